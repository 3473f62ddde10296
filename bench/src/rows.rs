//! The rows of the bench: the same for every contender, made from their number alone.

use insula_model::value::{Date, Decimal};
use uuid::Uuid;

/// Rows every contender holds before anything is measured.
pub const COUNT: u32 = 100_000;

/// Distinct values of `category`, so that a filter on it leaves a hundredth of the rows.
pub const CATEGORIES: u32 = 100;

/// The fields of an item, parsed.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub name: String,
    pub category: String,
    pub quantity: i64,
    pub price: Decimal,
    pub due: Date,
}

/// The item of this number. Every item has the same length as JSON: the load generator overwrites one by another in place.
pub fn item(number: u32) -> Item {
    let noise = mix(number.into());
    let part = |shift: u32, below: u64| i64::try_from((noise >> shift) % below).unwrap_or(0);
    Item {
        name: format!("Item {number:08} of the catalogue"),
        category: category(number % CATEGORIES),
        quantity: 1_000 + part(0, 9_000),
        price: Decimal::new(100_000 + part(16, 900_000), 2),
        due: Date::from_days(20_000 + i32::try_from(part(40, 1_000)).unwrap_or(0)),
    }
}

/// `c00` to `c99`.
pub fn category(number: u32) -> String {
    format!("c{number:02}")
}

/// The item as the body of a create.
pub fn body(item: &Item) -> String {
    let Item { name, category, quantity, price, due } = item;
    format!(r#"{{"name":"{name}","category":"{category}","quantity":{quantity},"price":"{price}","due":"{due}"}}"#)
}

/// Whom purchases are from; each is an item with one of these.
pub const SUPPLIERS: u32 = 1_000;

/// The condition of the role that purchases are listed by: half of them meet it.
pub const RULE: &str = "quantity >= 5500";

/// The fields of a supplier.
pub struct Supplier {
    pub name: String,
    pub city: String,
}

pub fn supplier(number: u32) -> Supplier {
    Supplier { name: format!("Supplier {number:04} and Sons"), city: format!("City {:02}", number % 50) }
}

/// The number of the supplier that the purchase of this number is from.
pub fn supplier_of(number: u32) -> u32 {
    u32::try_from(mix(u64::from(number) << 32) % u64::from(SUPPLIERS)).unwrap_or(0)
}

pub fn supplier_body(Supplier { name, city }: &Supplier) -> String {
    format!(r#"{{"name":"{name}","city":"{city}"}}"#)
}

pub fn purchase_body(item: &Item, supplier: &str) -> String {
    let body = body(item);
    format!(r#"{},"supplier":"{supplier}"}}"#, body.trim_end_matches('}'))
}

/// The body of a batch that makes all of these or none.
pub fn batch_body(bodies: &[String]) -> String {
    format!(r#"{{"create":[{}],"mode":"atomic"}}"#, bodies.join(","))
}

/// The id of a supplier the floor makes for itself.
pub fn supplier_id(number: u32) -> Uuid {
    version_7(1_740_000_000_000 + u64::from(number), mix(number.into()))
}

/// The id of a row the floor makes for itself: version 7 like the product's, so that they ascend alike.
pub fn id(number: u32) -> Uuid {
    version_7(1_750_000_000_000 + u64::from(number), mix(number.into()))
}

/// RFC 9562 §5.7 from a time in milliseconds and 64 bits of noise.
pub fn version_7(millis: u64, noise: u64) -> Uuid {
    let high = u128::from(millis) << 80 | 0x7 << 76 | u128::from(noise >> 52) << 64;
    let low = u128::from(noise) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    Uuid::from_u128(high | low)
}

/// SplitMix64 (Steele, Lea, Flood 2014): one step of a seeded generator.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_one_length() {
        let length = body(&item(0)).len();
        for number in (0..2_000_000).step_by(997) {
            let body = body(&item(number));
            assert_eq!(body.len(), length, "{body}");
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
        }
    }

    #[test]
    fn ids_ascend_and_are_version_7() {
        let ids: Vec<Uuid> = (0..10_000).map(id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn each_category_has_its_hundredth_and_the_rule_halves_it() {
        let of_category = (0..COUNT).map(item).filter(|item| item.category == "c42");
        let quantities: Vec<i64> = of_category.map(|item| item.quantity).collect();
        assert_eq!(quantities.len(), 1_000);
        let least: i64 = RULE.rsplit_once(' ').unwrap().1.parse().unwrap();
        let kept = quantities.iter().filter(|quantity| **quantity >= least).count();
        assert!(kept.abs_diff(500) < 50, "{kept}");
    }

    #[test]
    fn a_purchase_is_an_item_and_its_supplier() {
        let mut purchase: serde_json::Value = serde_json::from_str(&purchase_body(&item(7), "s")).unwrap();
        assert_eq!(purchase.as_object_mut().unwrap().remove("supplier"), Some("s".into()));
        assert_eq!(purchase, serde_json::from_str::<serde_json::Value>(&body(&item(7))).unwrap());
    }
}
