//! The keys of the caller, and to who may see users those of everybody in the organisation.

use std::sync::Arc;

use insula_model::problem::Result;
use insula_model::rights::{Action, Resource};
use insula_model::value::Value;
use uuid::Uuid;

use super::{ApiKeyView, Kept};
use crate::identity::in_person::InPerson;
use crate::page::{Listed, Page};
use crate::sql::Fixed;

/// Ids tell the order in which they were made.
static PAGE: Fixed = Fixed::new(
    "SELECT k.id, k.name, k.prefix, k.account_id, k.scopes, k.created_at, k.expires_at, k.last_used_at \
     FROM insula.api_key k \
     JOIN insula.account a ON a.id = k.account_id AND a.credential_epoch = k.credential_epoch \
     WHERE k.tenant_id = $1 AND (k.account_id = $2 OR $3) AND k.id <= $4 ORDER BY k.id DESC LIMIT $5",
);

/// Newest first. `query` is the raw query string: `limit` (1 to 1000, default 50), `cursor`. Anyone signed in; with
/// `users`, `read` of everybody.
pub async fn list(who: &InPerson, query: &str) -> Result<Listed<ApiKeyView>> {
    let page = Page::read(query)?;
    let (scope, caller) = (who.scope(), who.scope().caller());
    let (everybodys, model) =
        scope.read(async |tx| Ok((tx.rights().allows(Resource::Users, Action::Read), Arc::clone(&tx.model)))).await?;
    let binds = [
        Value::Uuid(caller.tenant().uuid()),
        Value::Uuid(caller.account().uuid()),
        Value::Bool(everybodys),
        Value::Uuid(page.cursor.unwrap_or_else(Uuid::max)),
        Value::Int(page.rows()),
    ];
    let mut tx = scope.engine().stores.platform_read().await?;
    let rows = tx.fixed(&PAGE, &binds.each_ref()).await?;
    tx.commit().await?;
    let mut kept = rows.iter().map(Kept::read).collect::<Result<Vec<_>, _>>()?;
    let next_cursor = page.cut(&mut kept).map(|next| next.id.to_string());
    Ok(Listed { items: kept.into_iter().map(|key| key.view(&model.schema)).collect(), next_cursor })
}
