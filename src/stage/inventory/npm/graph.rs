//! What each package of a lock file is needed for, where the file tells it of the top only.

use crate::model::inventory::Scope;

/// Scopes of all nodes, from where they are needed: `roots` are nodes with what the top needs them for, `edges` each node's needs, true
/// for those that may be left out. What nothing leads to ships, for all that is known.
pub(super) fn scopes(roots: &[(usize, Scope)], edges: &[Vec<(usize, bool)>]) -> Vec<Scope> {
    let mut known: Vec<Option<Scope>> = vec![None; edges.len()];
    let mut open = roots.to_vec();
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
    known.into_iter().map(Option::unwrap_or_default).collect()
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
            vec![],
        ];
        let scopes = scopes(&[(0, Scope::Runtime), (1, Scope::Development)], &edges);
        assert_eq!(
            scopes,
            [
                Scope::Runtime,
                Scope::Development,
                Scope::Runtime,
                Scope::Optional,
                Scope::Development,
                Scope::Runtime
            ]
        );
    }
}
