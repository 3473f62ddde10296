//! What superusers do: who runs the installation, with a token for the platform. To every other there is none of it.

pub(crate) mod audit;
pub(crate) mod tenants;
