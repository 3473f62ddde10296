-- What stood in a job's way: a JSON array of mistakes, for whoever asked for the job.
ALTER TABLE insula_tenant.job ADD COLUMN refusals text;

-- Changes of the schema whose values a job converts: what is to be and who asked for it, and how far it got.
CREATE TABLE insula_tenant.conversion (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    asked text NOT NULL,
    progress text NOT NULL,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES insula_tenant.job (tenant_id, id)
);
