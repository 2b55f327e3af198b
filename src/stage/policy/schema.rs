//! JSON Schemas of the policy document and the waiver file, for editors. Generated; `policies/schema/` holds them.

use schemars::generate::SchemaSettings;
use schemars::transform::{RemoveRefSiblings, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::document::Document;
use super::rules::RULES;
use super::waivers::WaiverFile;

/// The schema of the policy document: what is common, and one table for each rule.
#[must_use]
pub fn policy() -> Schema {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut rules = Map::new();
    for entry in RULES {
        let mut schema = (entry.schema)(&mut generator);
        schema.insert("description".to_owned(), json!(entry.about.summary));
        rules.insert(entry.about.code.to_owned(), schema.into());
    }
    let mut root = generator.into_root_schema_for::<Document>();
    let tables = json!({
        "description": "One table for each rule. A rule without a table has its defaults.",
        "type": "object",
        "additionalProperties": false,
        "properties": rules,
    });
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("rules".to_owned(), tables);
    }
    RemoveRefSiblings::default().transform(&mut root);
    root
}

/// The schema of the waiver file.
#[must_use]
pub fn waivers() -> Schema {
    of::<WaiverFile>()
}

/// The schema of any document, in the same dialect (draft 7, which editors know best).
#[must_use]
pub fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>()
}

/// The bytes of a schema file.
#[must_use]
pub fn bytes(schema: &Schema) -> Vec<u8> {
    let mut bytes = format!("{:#}", schema.as_value()).into_bytes();
    bytes.push(b'\n');
    bytes
}
