//! What each package of a lock file is needed for, where the file tells it of the top only.

use super::lock::Package;
use crate::model::inventory::Scope;

/// Scopes of all nodes, from where they are needed: `roots` are nodes with what the top needs them for, `edges` each node's needs, true
/// for those that may be left out. What nothing leads to ships, for all that is known, with what it needs.
#[must_use]
pub fn scopes(roots: &[(usize, Scope)], edges: &[Vec<(usize, bool)>]) -> Vec<Scope> {
    let mut known: Vec<Option<Scope>> = vec![None; edges.len()];
    walk(roots.to_vec(), edges, &mut known);
    let unreached = (0..edges.len()).filter(|at| known[*at].is_none()).map(|at| (at, Scope::Runtime));
    walk(unreached.collect(), edges, &mut known);
    known.into_iter().map(Option::unwrap_or_default).collect()
}

fn walk(mut open: Vec<(usize, Scope)>, edges: &[Vec<(usize, bool)>], known: &mut [Option<Scope>]) {
    while let Some((at, scope)) = open.pop() {
        let Some(slot) = known.get_mut(at) else { continue };
        if slot.is_some_and(|known| known <= scope) {
            continue;
        }
        *slot = Some(scope);
        for (to, optional) in &edges[at] {
            let needed_for = if *optional { Scope::Optional } else { Scope::Runtime };
            open.push((*to, scope.max(needed_for)));
        }
    }
}

/// Marks what other packages need only as something that may be left out, in a file that does not tell what its top needs.
pub(super) fn mark_optional(packages: &mut [Package]) {
    let mut optional: Vec<Option<bool>> = vec![None; packages.len()];
    for need in packages.iter().flat_map(|package| &package.needs) {
        if let Some(slot) = optional.get_mut(need.gets) {
            *slot = Some(need.scope == Scope::Optional && *slot != Some(false));
        }
    }
    for (package, optional) in packages.iter_mut().zip(optional) {
        if optional == Some(true) {
            package.scope = Scope::Optional;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_needed_for_the_strongest_of_its_reasons() {
        let edges = vec![
            vec![(2, false), (3, true)],
            vec![(2, false), (4, false)],
            vec![],
            vec![],
            vec![(1, false)],
            vec![(6, false)],
            vec![],
        ];
        let scopes = scopes(&[(0, Scope::Runtime), (1, Scope::Development), (6, Scope::Development)], &edges);
        assert_eq!(
            scopes,
            [
                Scope::Runtime,
                Scope::Development,
                Scope::Runtime,
                Scope::Optional,
                Scope::Development,
                Scope::Runtime,
                Scope::Runtime
            ]
        );
    }
}
