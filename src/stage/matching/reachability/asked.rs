//! A function as an advisory names it: `smallvec::SmallVec::insert_many`.

use super::rust_functions::Function;

/// The last name of the path, and the type before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    of: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// Reads a path; `None` for one that is more than names (`ToSql<Time, Mysql>`).
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let names: Vec<&str> = path.split("::").collect();
        let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric());
        let (name, before) = names.split_last()?;
        is_name(name).then_some(())?;
        let of = before.last()?.split('<').next()?;
        Some(Self {
            name,
            of: Some(of).filter(|of| before.len() > 1 && of.starts_with(char::is_uppercase)),
        })
    }

    /// Of the definitions of that name, those that may be meant: of the type, where some are; free ones, where none is named.
    pub(super) fn among<'f>(&self, named: &[(&'f str, &'f Function)]) -> Vec<(&'f str, &'f Function)> {
        let is_meant = |function: &Function| match self.of {
            Some(of) => function.of.iter().any(|name| name == of),
            None => function.of.is_empty(),
        };
        let meant: Vec<(&str, &Function)> = named.iter().copied().filter(|(_, function)| is_meant(function)).collect();
        if meant.is_empty() { named.to_vec() } else { meant }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_function_and_perhaps_its_type() {
        let asked = |name, of| Some(Asked { name, of });
        assert_eq!(Asked::of("smallvec::SmallVec::insert_many"), asked("insert_many", Some("SmallVec")));
        assert_eq!(Asked::of("branca::decode"), asked("decode", None));
        assert_eq!(Asked::of("a::b::decode"), asked("decode", None));
        assert_eq!(Asked::of("crayon::utils::ObjectPool<H,T>::free"), asked("free", Some("ObjectPool")));
        for odd in [
            "decode",
            "",
            "a::",
            "diesel::serialize::ToSql<Time,Mysql>",
            "prost_types::Timestamp::Into<SystemTime>",
        ] {
            assert_eq!(Asked::of(odd), None, "{odd}");
        }
    }
}
