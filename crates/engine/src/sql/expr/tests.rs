//! The SQL of both dialects, word for word, and what it means, asked of both engines.

mod agree;
mod postgres;
#[path = "../../../../model/tests/expr/sample.rs"]
mod sample;
mod sqlite;

use insula_model::expr::Expr;
use insula_model::id::TenantId;

use super::condition;
use crate::sql::{Dialect, Slot, SqlWriter};

/// The condition with its binds; `link` is joined as a1, `link.next` as a2.
fn render(dialect: Dialect, expr: &Expr) -> (String, Vec<Slot>) {
    let mut w = SqlWriter::new(dialect);
    let tenant = TenantId::from(uuid::Uuid::nil());
    condition(&mut w, tenant, expr, &mut |hops| u32::try_from(hops.len()).unwrap());
    let statement = w.finish();
    (statement.text, statement.slots)
}

/// `a0."c_…"` with the field's name in place of its id, for people to read.
fn readable(mut sql: String) -> String {
    for entity in sample::schema().entities() {
        for field in &entity.fields {
            sql = sql.replace(&format!("l_{}", field.id.uuid().simple()), &format!("l_{}", field.name));
            sql = sql.replace(&format!("c_{}", field.id.uuid().simple()), field.name.as_str());
        }
    }
    sql
}

#[test]
fn golden() {
    let check = |source: &str, sqlite: &str, postgres: &str| {
        let expr = sample::compile_all(source, &sample::schema()).unwrap();
        assert_eq!(readable(render(Dialect::Sqlite, &expr).0), sqlite, "{source}");
        assert_eq!(readable(render(Dialect::Postgres, &expr).0), postgres, "{source}");
    };
    let both = |source: &str, sql: &str| check(source, sql, &sql.replace('?', "$"));

    both("true", "TRUE");
    both("text_r1 == null", "FALSE");
    both("text_n1 == null", "a0.text_n1 IS NULL");
    both("text_n1 != null", "a0.text_n1 IS NOT NULL");
    both("text_n1 == 'a'", "a0.text_n1 = ?1");
    both("text_r1 != 'a'", "a0.text_r1 <> ?1");
    check("text_n1 != 'a'", "a0.text_n1 IS NOT ?1", "a0.text_n1 IS DISTINCT FROM $1");
    check("!(text_n1 == 'a')", "a0.text_n1 IS NOT ?1", "a0.text_n1 IS DISTINCT FROM $1");
    both("!(text_n1 != 'a')", "a0.text_n1 = ?1");
    both("!(text_r1 == 'a')", "a0.text_r1 <> ?1");
    both("int_n1 < 5", "a0.int_n1 < ?1");
    both("!(int_n1 < 5)", "NOT COALESCE(a0.int_n1 < ?1, FALSE)");
    both("!(int_r1 < 5)", "a0.int_r1 >= ?1");
    both("5 < int_r1", "a0.int_r1 > ?1");
    both("int_n1 < 2.5", "a0.int_n1 <= ?1");
    both("int_n1 < 1e30", "a0.int_n1 IS NOT NULL");
    both("int_n1 in [1, 2]", "a0.int_n1 IN (?1, ?2)");
    both("!(int_n1 in [1, 2])", "NOT COALESCE(a0.int_n1 IN (?1, ?2), FALSE)");
    both("!(int_r1 in [1, 2])", "a0.int_r1 NOT IN (?1, ?2)");
    both("flag_n1", "a0.flag_n1 = TRUE");
    both("!flag_n1", "NOT COALESCE(a0.flag_n1, FALSE)");
    both("!flag_r1", "a0.flag_r1 = FALSE");
    both("flag_n1 == false", "a0.flag_n1 = ?1");
    check("int_n1 == int_n2", "a0.int_n1 IS a0.int_n2", "a0.int_n1 IS NOT DISTINCT FROM a0.int_n2");
    both("int_n1 == int_r2", "a0.int_n1 = a0.int_r2");
    check("int_n1 != int_r2", "a0.int_n1 IS NOT a0.int_r2", "a0.int_n1 IS DISTINCT FROM a0.int_r2");
    both("int_r1 != int_r2", "a0.int_r1 <> a0.int_r2");
    both("created_by == caller.id", "a0.created_by = ?1");
    check("caller.id == '00000000-0000-0000-0000-000000000001'", "?1 = ?2", "$1::uuid = $2::uuid");
    both("link == caller.id", "a0.link = ?1");
    both("link.id == caller.id", "a0.link = ?1");
    both("link.text_r1 == 'a' && link.next.version > 1", "(a1.text_r1 = ?1 AND a2.version > ?2)");
    check("link.text_r1 != 'a'", "a1.text_r1 IS NOT ?1", "a1.text_r1 IS DISTINCT FROM $1");
    both("int_r1 == 1 || int_r1 == 2 && flag_r1", "(a0.int_r1 = ?1 OR (a0.int_r1 = ?2 AND a0.flag_r1 = TRUE))");
    both(
        "!(int_r1 == 1 || int_n1 > 2 && !flag_n1)",
        "(a0.int_r1 <> ?1 AND (NOT COALESCE(a0.int_n1 > ?2, FALSE) OR a0.flag_n1 = TRUE))",
    );
}

#[test]
fn golden_texts_and_moments() {
    let check = |source: &str, sqlite: &str, postgres: &str| {
        let expr = sample::compile_all(source, &sample::schema()).unwrap();
        assert_eq!(readable(render(Dialect::Sqlite, &expr).0), sqlite, "{source}");
        assert_eq!(readable(render(Dialect::Postgres, &expr).0), postgres, "{source}");
    };
    let both = |source: &str, sql: &str| check(source, sql, &sql.replace('?', "$"));
    check("text_n1.contains('a')", "(instr(a0.text_n1, ?1) > 0)", "(strpos(a0.text_n1, $1) > 0)");
    check("!text_r1.contains('a')", "NOT (instr(a0.text_r1, ?1) > 0)", "NOT (strpos(a0.text_r1, $1) > 0)");
    check(
        "!text_n1.endsWith('äb')",
        "NOT COALESCE((substr(a0.text_n1, -2) = ?1), FALSE)",
        "NOT COALESCE((right(a0.text_n1, 2) = $1), FALSE)",
    );
    check(
        "!('a' in tags_n1)",
        "NOT EXISTS (SELECT 1 FROM json_each(a0.tags_n1) WHERE json_each.value = ?1)",
        "NOT COALESCE(a0.tags_n1 @> ARRAY[$1::text], FALSE)",
    );
    check(
        "!('00000000-0000-0000-0000-000000000001' in link.many)",
        "NOT EXISTS (SELECT 1 FROM l_many AS l WHERE l.source = a1.id AND l.target = ?1)",
        "NOT EXISTS (SELECT 1 FROM tenant_00000000000000000000000000000000.l_many AS l \
         WHERE l.source = a1.id AND l.target = $1)",
    );
    both("text_n1.startsWith('a')", "(a0.text_n1 >= ?1 AND a0.text_n1 < ?2)");
    both("text_n1.contains('')", "a0.text_n1 IS NOT NULL");
    both("time_n1 < now()", "a0.time_n1 < ?1");
    both("time_n1 + duration('1h') < now()", "a0.time_n1 < ?1");
    both("day_n1 >= now() - duration('168h')", "a0.day_n1 >= ?1");
    check("now() > timestamp('2013-01-31T09:00:00Z')", "?1 > ?2", "$1::timestamptz > $2::timestamptz");
    check("now() > date('2013-01-31')", "?1 > ?2", "$1::date > $2::date");
}

#[test]
fn user_text_is_only_ever_bound() {
    let nasty = "'; DROP TABLE t; -- \" ? $1";
    let source = format!("text_n1 == {nasty:?} || text_n1 in [{nasty:?}, 'b'] || !(text_n2 < {nasty:?})");
    let expr = sample::compile_all(&source, &sample::schema()).unwrap();
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let (sql, binds) = render(dialect, &expr);
        assert!(!sql.contains("DROP"), "{sql}");
        assert_eq!(binds.len(), 4);
    }
}
