//! Reading the trail: newest first, by actor, action, entity, record and time.
pub struct AuditPage;
pub struct AuditQuery;
