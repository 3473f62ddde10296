-- What stood in a job's way: a JSON array of mistakes, for whoever asked for the job.
ALTER TABLE job ADD COLUMN refusals TEXT;

-- Changes of the schema whose values a job converts: what is to be and who asked for it, and how far it got.
CREATE TABLE conversion (
    tenant_id BLOB NOT NULL,
    job_id BLOB NOT NULL,
    asked TEXT NOT NULL,
    progress TEXT NOT NULL,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES job (tenant_id, id)
) STRICT, WITHOUT ROWID;
