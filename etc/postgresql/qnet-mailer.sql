-- The databases of core and of the web side, each of a role with the name of its user.
-- Core comes in over PostgreSQL's socket without a password (pg_hba.conf: "local all all
-- peer", as on Debian), the web side with the one of settings_local.py.  Run it once:
--
--   runuser -u postgres -- psql -v ON_ERROR_STOP=1 <etc/postgresql/qnet-mailer.sql
--   runuser -u postgres -- psql -c '\password qnet-web'
--
-- Again it changes nothing.
SELECT 'CREATE ROLE "' || name || '" LOGIN' FROM (VALUES ('qnet-core'), ('qnet-web')) AS wanted (name)
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

SELECT 'CREATE DATABASE ' || name || ' OWNER "' || owner || '" TEMPLATE template0 ENCODING ''UTF8'''
FROM (VALUES ('qnet_core', 'qnet-core'), ('qnet_web', 'qnet-web')) AS wanted (name, owner)
WHERE name NOT IN (SELECT datname FROM pg_database) \gexec

-- Nobody else comes in.
SELECT 'REVOKE CONNECT, TEMPORARY ON DATABASE ' || datname || ' FROM PUBLIC' FROM pg_database
WHERE datname IN ('qnet_core', 'qnet_web') AND (datacl IS NULL OR datacl::text LIKE '%{=%') \gexec
