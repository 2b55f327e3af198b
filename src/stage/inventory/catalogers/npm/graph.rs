//! What each package of a lock file is needed for, where the file tells it of the top only.

use crate::model::inventory::{Component, Scope};

/// Scopes of all nodes, from where they are needed: `roots` are nodes with what the top needs them for, `edges` each node's needs, true
/// for those that may be left out. What nothing leads to ships, for all that is known, with what it needs.
pub(super) fn scopes(roots: &[(usize, Scope)], edges: &[Vec<(usize, bool)>]) -> Vec<Scope> {
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

/// The packages of a lock file that does not tell what its top needs, each with what it needs. What others need only as something that may
/// be left out is marked so.
pub(super) fn connected(packages: &[Option<Component>], edges: &[Vec<(usize, bool)>]) -> Vec<Component> {
    let mut optional: Vec<Option<bool>> = vec![None; packages.len()];
    for (to, may_be_left_out) in edges.iter().flatten() {
        optional[*to] = Some(*may_be_left_out && optional[*to] != Some(false));
    }
    let with_needs = packages.iter().zip(edges).zip(optional).filter_map(|((package, needs), optional)| {
        let mut component = package.clone()?;
        let needed = needs.iter().filter_map(|(to, _)| packages[*to].as_ref());
        component.dependencies = needed.map(|needed| needed.purl.clone()).collect();
        component.dependencies.sort();
        component.dependencies.dedup();
        if optional == Some(true) {
            component.scope = Scope::Optional;
        }
        Some(component)
    });
    with_needs.collect()
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
