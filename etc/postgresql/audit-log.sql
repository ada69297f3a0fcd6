-- The audit log in the hands of a role of its own, "qnet-audit": the service's role can
-- read it and add to it, and change, delete or drop nothing.  Once core's tables are there:
--
--   runuser -u postgres -- psql -v ON_ERROR_STOP=1 -d qnet_core <etc/postgresql/audit-log.sql
--
-- Again it changes nothing.  An upgrade that changes the log's tables, "mailman qnet restore"
-- and "mailman qnet audit --redact" need that role; each says so, and with which command it is
-- lent.  Run this again afterwards:
--
--   runuser -u postgres -- psql -d qnet_core -c 'GRANT "qnet-audit" TO "qnet-core"'
SELECT 'CREATE ROLE "qnet-audit" LOGIN'
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'qnet-audit') \gexec

BEGIN;
-- Whoever wants to add to the log waits behind this.
SET LOCAL lock_timeout = '10s';
-- Who owns a database can drop it; and owns its schema, in which they can drop any table.
ALTER DATABASE qnet_core OWNER TO postgres;
GRANT CONNECT, TEMPORARY ON DATABASE qnet_core TO "qnet-core";
GRANT CONNECT ON DATABASE qnet_core TO "qnet-audit";
GRANT USAGE, CREATE ON SCHEMA public TO "qnet-core";
GRANT USAGE, CREATE ON SCHEMA public TO "qnet-audit";
ALTER TABLE qnet_audit OWNER TO "qnet-audit";
ALTER TABLE qnet_audit_seal OWNER TO "qnet-audit";
ALTER FUNCTION qnet_audit_append_only() OWNER TO "qnet-audit";
GRANT SELECT, INSERT ON qnet_audit, qnet_audit_seal TO "qnet-core";
GRANT SELECT, USAGE ON SEQUENCE qnet_audit_id_seq TO "qnet-core";
REVOKE "qnet-audit" FROM "qnet-core";
COMMIT;
