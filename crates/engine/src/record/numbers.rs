//! Numbers the system gives to new records. The last one lies in a row of its own, which stays locked until the commit:
//! numbers ascend in the order of the commits, and what is undone gives its number back.

use insula_model::entity::{Entity, FieldKind};
use insula_model::id::TenantId;
use insula_model::value::Value;

use super::stored::StoredRecord;
use crate::sql::{Slot, SqlWriter};
use crate::store::{StoreError, Tx};

/// Numbers new records, in their order.
pub(super) async fn assign(
    tx: &mut Tx,
    tenant: TenantId,
    entity: &Entity,
    records: &mut [StoredRecord],
) -> Result<(), StoreError> {
    let numbered = entity.fields.iter().enumerate().filter(|(_, field)| field.kind == FieldKind::AutoNumber);
    for (position, field) in numbered {
        let mut w = SqlWriter::new(tx.dialect());
        w.raw("UPDATE ").counter_table(tenant, field.id).raw(" SET last = last + ").bind(Slot::Arg(0));
        w.raw(" RETURNING last");
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        let rows = tx.query(&w.finish().text, &[&Value::Int(count)]).await?;
        let last = rows.first().ok_or_else(|| StoreError::Other("a counter has no row".into()))?.int(0)?;
        for (number, record) in (last - count + 1..).zip(records.iter_mut()) {
            if let Some(value) = record.values.get_mut(position) {
                *value = Value::Int(number);
            }
        }
    }
    Ok(())
}
