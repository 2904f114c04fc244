-- Run once, by compose.yaml's database, when its volume is still empty. The program gets a role that
-- owns its database and nothing else; the role that may do everything is left without a password,
-- so that only `docker compose exec db psql --username postgres` reaches it.
\getenv password POSTGRES_PASSWORD
CREATE ROLE pixshelf LOGIN PASSWORD :'password';
CREATE DATABASE pixshelf OWNER pixshelf;
ALTER ROLE postgres PASSWORD NULL;
