//! Forms of a result by their names.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::report::Form;

/// Reads the name of a form, and says in the help what each is.
pub(crate) fn form() -> impl TypedValueParser<Value = Form> {
    let names = Form::ALL.iter().map(|form| PossibleValue::new(form.as_str()).help(form.about()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Form>())
}
