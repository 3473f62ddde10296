-- Said again at every start: the platform's login works on the platform's tables and on nothing else.

GRANT USAGE ON SCHEMA insula TO {login};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA insula TO {login};
REVOKE UPDATE, DELETE, TRUNCATE ON insula.platform_event FROM {login};
