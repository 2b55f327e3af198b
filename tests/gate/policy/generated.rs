//! Files that are generated from the policy stage's code: `PORTCULLIS_BLESS=1` writes them anew.

use std::fs;
use std::path::Path;

use portcullis::stage::policy::{rules_page, schema};

fn is_as_generated(path: &str, bytes: &[u8]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        fs::create_dir_all(file.parent().expect("folder")).expect("folder");
        fs::write(&file, bytes).expect("written");
    }
    let stored = fs::read(&file).unwrap_or_default();
    assert!(
        stored == bytes,
        "{path} is stale: run the tests with PORTCULLIS_BLESS=1 and commit it"
    );
}

#[test]
fn the_schema_of_policies_is_up_to_date() {
    is_as_generated("policies/schema/policy.schema.json", &schema::bytes(&schema::policy()));
}

#[test]
fn the_schema_of_waivers_is_up_to_date() {
    is_as_generated("policies/schema/waivers.schema.json", &schema::bytes(&schema::waivers()));
}

#[test]
fn the_schema_of_the_configuration_is_up_to_date() {
    let schema = schema::of::<portcullis::cli::config::Config>();
    is_as_generated("policies/schema/portcullis.schema.json", &schema::bytes(&schema));
}

#[test]
fn the_reference_of_the_rules_is_up_to_date() {
    is_as_generated("policies/rules.md", rules_page().as_bytes());
}
