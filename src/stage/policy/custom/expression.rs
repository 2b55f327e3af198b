//! An expression, bounded in length, depth, stack and time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use cel::{Context, Program, Value};

use super::item::Item;

/// The longest expression, and the deepest nesting in one: the parser recurses.
const MAX_LENGTH: usize = 8192;
const MAX_NESTING: usize = 48;

/// Stack of the thread that parses and evaluates.
pub(super) const STACK: usize = 32 << 20;

pub(super) fn compile(source: &str) -> Result<Program, String> {
    let nesting = source.bytes().scan(0i64, |depth, byte| {
        *depth += match byte {
            b'(' | b'[' | b'{' => 1,
            b')' | b']' | b'}' => -1,
            _ => 0,
        };
        Some(*depth)
    });
    if source.len() > MAX_LENGTH || nesting.max().unwrap_or(0) > MAX_NESTING as i64 {
        return Err(format!("it is longer than {MAX_LENGTH} bytes or nested deeper than {MAX_NESTING}"));
    }
    let compiled = catch_unwind(AssertUnwindSafe(|| Program::compile(source)));
    match compiled {
        Ok(Ok(program)) => Ok(program),
        Ok(Err(errors)) => Err(errors.errors.first().map_or_else(|| errors.to_string(), |error| error.msg.clone())),
        Err(_) => Err("the parser gave up".to_owned()),
    }
}

pub(super) fn on_large_stack<T: Send + 'static>(source: String, work: fn(String) -> Result<T, String>) -> Result<T, String> {
    let started = thread::Builder::new().stack_size(STACK).spawn(move || work(source));
    match started.map(thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err("the parser gave up".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The items for which the expression is true. The first error ends it: a rule that holds for some components only decides nothing.
pub(super) fn evaluate(source: &str, items: Vec<Item>) -> Result<Vec<Item>, String> {
    let program = compile(source)?;
    let mut found = Vec::new();
    for item in items {
        let mut context = Context::default();
        for (name, value) in &item.variables {
            context.add_variable_from_value(*name, value.clone());
        }
        let value = catch_unwind(AssertUnwindSafe(|| program.execute(&context)));
        let of = item.name();
        match value {
            Ok(Ok(Value::Bool(true))) => found.push(item),
            Ok(Ok(Value::Bool(false))) => {}
            Ok(Ok(_)) => return Err(format!("it gave something else than true or false{of}")),
            Ok(Err(error)) => return Err(format!("it failed{of}: {error}")),
            Err(_) => return Err(format!("its evaluation broke off{of}")),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_bounded_in_its_depth_and_its_length_and_not_in_its_width() {
        let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        let tried = |source: String| on_large_stack(source, |source| compile(&source).map(drop));
        tried(nested(MAX_NESTING)).expect("as deep as may be");
        assert!(tried(nested(MAX_NESTING + 1)).expect_err("too deep").contains("nested deeper"));
        tried(vec!["(true)"; 2 * MAX_NESTING].join(" && ")).expect("one beside the other");
        tried(format!("{:MAX_LENGTH$}", "true")).expect("as long as may be");
        tried(format!("{:1$}", "true", MAX_LENGTH + 1)).expect_err("too long");
    }
}
