#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# django-haystack 3.4.0 with Whoosh 2.7.4: `field__exact` on a CharField is a search for a
# phrase of stems, not a comparison.  The field is stored through Whoosh's
# StemmingAnalyzer, and the value that is asked for goes through it as well; so
# "news@example.gov" finds what was indexed as "staff-news@example.gov" and as
# "new@example.gov".  One would expect `exact` to find equal values only, as the lookup of
# the same name in Django does.  Whoever narrows a search by a name must look at the rows.
#
# Seen:
#
#   news@example.gov finds: new@example.gov news@example.gov staff-news@example.gov
#
# Exits 0 while that is so, 1 when it has changed, 2 where it could not be tried.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'Django==5.2.19' 'django-haystack==3.4.0' 'Whoosh==2.7.4' setuptools || exit 2

mkdir "$work/posts"
cat > "$work/posts/__init__.py" <<'PYTHON'
PYTHON
cat > "$work/posts/models.py" <<'PYTHON'
from django.db import models


class Post(models.Model):
    mailinglist = models.CharField(max_length=100)
PYTHON
cat > "$work/posts/search_indexes.py" <<'PYTHON'
from haystack import indexes

from posts.models import Post


class PostIndex(indexes.SearchIndex, indexes.Indexable):
    text = indexes.CharField(document=True, model_attr='mailinglist')
    mailinglist = indexes.CharField(model_attr='mailinglist')

    def get_model(self):
        return Post
PYTHON
cat > "$work/try.py" <<'PYTHON'
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=['haystack', 'posts'],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    HAYSTACK_CONNECTIONS={
        'default': {
            'ENGINE': 'haystack.backends.whoosh_backend.WhooshEngine',
            'PATH': 'index',
        }
    },
)
django.setup()
from django.core.management import call_command

call_command('migrate', run_syncdb=True, verbosity=0)
from haystack.query import SearchQuerySet
from posts.models import Post

for name in ('new', 'news', 'staff-news', 'talk'):
    Post.objects.create(mailinglist=f'{name}@example.gov')
call_command('rebuild_index', interactive=False, verbosity=0)
found = SearchQuerySet().filter(mailinglist__exact='news@example.gov')
print('news@example.gov finds:', *sorted(hit.mailinglist for hit in found))
PYTHON
seen=$(cd "$work" && PYTHONNOUSERSITE=1 "$work/venv/bin/python" -W ignore try.py) || exit 2
echo "$seen"
test "$seen" = 'news@example.gov finds: new@example.gov news@example.gov staff-news@example.gov'
