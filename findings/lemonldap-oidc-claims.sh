#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# LemonLDAP::NG 2.16.1 (Debian 12: liblemonldap-ng-portal-perl 2.16.1+ds-deb12u10) as an
# OpenID provider, with its defaults for exported claims.  Seen:
#
# 1. A claim with one value is a string, with two it is a list (the default "auto"):
#    one role:  "roles": "A/B/C"          two roles:  "roles": ["A/B/C", "A/B/D"]
#    A client that asks for a list locks out exactly those who have one role.
# 2. Userinfo that is signed (application/jwt, RS256) has neither "iss" nor "aud", which
#    OpenID Connect Core 1.0, section 5.3.2, says it SHOULD have:
#    keys: email, email_verified, name, roles, sub
# 3. The token endpoint does not decode the two parts of client_secret_basic, which
#    RFC 6749, section 2.3.1, says are form-encoded: the right secret "two words" sent as
#    "two%20words" is refused (401, invalid_client), and sent as it is, it is taken.
#
# Needs Debian 12's apt, Python 3 and root or not; packages that are not installed are
# unpacked into a temporary folder.  Exit status 1 if any of the three is otherwise.
set -euo pipefail
work=$(mktemp -d)
server=
finish() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
version=2.16.1+ds-deb12u10
root=$work/root
mkdir -p "$root" "$work/debs" "$work/conf" "$work/sessions"

# The packages, and what they depend on, as far as this machine has them not.
(
    cd "$work/debs"
    apt-get install -s --no-install-recommends \
        "liblemonldap-ng-portal-perl=$version" "lemonldap-ng-fastcgi-server=$version" \
        "liblemonldap-ng-handler-perl=$version" "liblemonldap-ng-common-perl=$version" \
        libplack-perl libstring-random-perl libio-string-perl \
        libcrypt-openssl-bignum-perl libcrypt-openssl-rsa-perl |
        sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p' >needed
    [ ! -s needed ] || xargs apt-get download -qq <needed
    for deb in *.deb; do
        [ ! -e "$deb" ] || dpkg-deb -x "$deb" "$root"
    done
)
perl=$(perl -MConfig -e 'print $Config{version} =~ /^(5\.\d+)/')
arch=$(perl -MConfig -e 'print $Config{archname} =~ s/-gnu.*/-gnu/r')
export PERL5LIB=$root/usr/share/perl5:$root/usr/lib/$arch/perl5/$perl
export PATH=$root/usr/bin:$PATH
templates=/usr/share/lemonldap-ng/portal/templates
[ -d "$templates" ] || templates=$root$templates
perl -MLemonldap::NG::Portal -e 'print "LemonLDAP::NG $Lemonldap::NG::Portal::VERSION\n"'

openssl genrsa -out "$work/key" 2048 2>/dev/null
openssl rsa -in "$work/key" -pubout -out "$work/pub" 2>/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PORT=$port WORK=$work
python3 - <<'PYTHON'
import json, os
work, issuer = os.environ['WORK'], f'http://127.0.0.1:{os.environ["PORT"]}/'
store = {'Directory': f'{work}/sessions', 'LockDirectory': f'{work}/sessions'}
client = {'ClientID': 'mailer', 'ClientSecret': 'two words', 'IDTokenSignAlg': 'RS256',
          'UserInfoSignAlg': 'RS256', 'BypassConsent': 1,
          'RedirectUris': 'http://127.0.0.1:9/back'}
json.dump({
    'cfgNum': 1, 'cfgDate': '1', 'cfgVersion': '2.16.1', 'portal': issuer,
    'domain': '127.0.0.1', 'securedCookie': 0, 'cookieName': 'lemonldap', 'key': 'x',
    'authentication': 'Demo', 'userDB': 'Same', 'passwordDB': 'Demo',
    'captcha': '::Captcha::None', 'requireToken': '0', 'localSessionStorage': '',
    'globalStorage': 'Apache::Session::File', 'globalStorageOptions': store,
    'persistentStorage': 'Apache::Session::File', 'persistentStorageOptions': store,
    'macros': {'_whatToTrace': '$uid'}, 'exportedVars': {}, 'locationRules': {},
    'exportedHeaders': {},
    'demoExportedVars': {n: n for n in ('cn', 'mail', 'uid', 'roles', 'verified')},
    'issuerDBOpenIDConnectActivation': 1, 'issuerDBOpenIDConnectPath': '^/oauth2/',
    'issuerDBOpenIDConnectRule': 1, 'oidcServiceMetaDataIssuer': issuer,
    'oidcServicePrivateKeySig': open(f'{work}/key').read(),
    'oidcServicePublicKeySig': open(f'{work}/pub').read(),
    'oidcServiceKeyIdSig': 'one', 'oidcServiceAllowAuthorizationCodeFlow': 1,
    'oidcRPMetaDataOptions': {'mailer': {
        f'oidcRPMetaDataOptions{n}': v for n, v in client.items()}},
    'oidcRPMetaDataExportedVars': {'mailer': {
        'name': 'cn', 'email': 'mail', 'email_verified': 'verified;bool',
        'roles': 'roles'}},
    'oidcRPMetaDataOptionsExtraClaims': {'mailer': {'roles': 'roles'}},
}, open(f'{work}/conf/lmConf-1.json', 'w'))
PYTHON
cat >"$work/ini" <<INI
[all]
logLevel = error
[configuration]
type = File
dirName = $work/conf
[portal]
languages = en
templateDir = $templates
INI
cat >"$work/app.psgi" <<'PERL'
use strict;
BEGIN {
    package Lemonldap::NG::Portal::Captcha::None;
    use Mouse;
    extends 'Lemonldap::NG::Common::Module';
    sub init { return 1 }
    $INC{'Lemonldap/NG/Portal/Captcha/None.pm'} = __FILE__;
}
package main;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;
my %all = ( cn => 'Someone', verified => 1 );
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = (
    ann => { %all, uid => 'ann', mail => 'ann@example.org', roles => 'A/B/C' },
    bob => { %all, uid => 'bob', mail => 'bob@example.org', roles => 'A/B/C; A/B/D' },
);
Lemonldap::NG::Portal::Main->run( {} );
PERL
LLNG_DEFAULTCONFFILE=$work/ini plackup --server HTTP::Server::PSGI --host 127.0.0.1 \
    --port "$port" "$work/app.psgi" >"$work/log" 2>&1 &
server=$!
until grep -qs 'Accepting connections' "$work/log"; do
    kill -0 "$server" 2>/dev/null || { cat "$work/log"; exit 2; }
    sleep 0.2
done

python3 - <<'PYTHON'
import base64, http.cookiejar, json, os, sys
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import (HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler,
                            Request, build_opener)

issuer = f'http://127.0.0.1:{os.environ["PORT"]}/'
back = 'http://127.0.0.1:9/back'


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def ask(opener, url, fields=None, **headers):
    data = None if fields is None else urlencode(fields).encode()
    try:
        return opener.open(Request(url, data, headers), timeout=60)
    except HTTPError as answer:
        return answer


def basic(secret):
    return 'Basic ' + base64.b64encode(f'mailer:{secret}'.encode()).decode()


def sign_in(user, secret):
    opener = build_opener(ProxyHandler({}), Stay, HTTPCookieProcessor())
    url = f'{issuer}oauth2/authorize?' + urlencode({
        'response_type': 'code', 'client_id': 'mailer', 'redirect_uri': back,
        'scope': 'openid profile email roles', 'state': 's', 'nonce': 'n'})
    ask(opener, url).read()
    hidden = base64.b64encode(f'{issuer}oauth2'.encode()).decode()
    answer = ask(opener, url, {'user': user, 'password': user, 'url': hidden})
    code = parse_qs(urlsplit(answer.headers['Location']).query)['code'][0]
    # The client asks, and has no cookie.
    answer = ask(build_opener(ProxyHandler({})), f'{issuer}oauth2/token', {
        'grant_type': 'authorization_code', 'code': code, 'redirect_uri': back,
    }, Authorization=basic(secret))
    return answer.status, json.load(answer)


def userinfo(token):
    opener = build_opener(ProxyHandler({}))
    answer = ask(opener, f'{issuer}oauth2/userinfo', Authorization=f'Bearer {token}')
    body = answer.read().decode().split('.')[1]
    return json.loads(base64.urlsafe_b64decode(body + '=='))


right = True
encoded, said = sign_in('ann', 'two%20words')
print('form-encoded secret:', encoded, said.get('error'))
right &= (encoded, said.get('error')) == (401, 'invalid_client')
found = {}
for user in ('ann', 'bob'):
    status, said = sign_in(user, 'two words')
    print('secret as it is:', status)
    found[user] = userinfo(said['access_token'])
    print(user, json.dumps(found[user], sort_keys=True))
right &= found['ann']['roles'] == 'A/B/C'
right &= found['bob']['roles'] == ['A/B/C', 'A/B/D']
right &= not {'iss', 'aud'} & set(found['ann'])
print('as described' if right else 'NOT as described')
sys.exit(not right)
PYTHON
