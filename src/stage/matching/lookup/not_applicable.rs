//! Why advisories that name a component are not about it.

use crate::model::inventory::Component;

/// Why none of them is; none where they are.
pub(super) fn reason(component: &Component) -> Option<String> {
    not_ours(component).or_else(|| headers_alone(component))
}

/// A package of the tree itself shares a name with a public one, no more. A local copy that stands in for a published package is another matter.
fn not_ours(component: &Component) -> Option<String> {
    component
        .root
        .then(|| "the component is part of this source tree; the advisory is about the registry's package of the same name".to_owned())
}

/// Headers of the kernel are built from its source, and hold nothing of it that runs.
fn headers_alone(component: &Component) -> Option<String> {
    let source = component.source.as_ref().map_or("", |source| source.name.as_str());
    let of_kernel = source == "linux" || source.starts_with("linux-") || source == "kernel" || source.starts_with("kernel-");
    let name = component.name.as_str();
    let is_headers = name.starts_with("linux-libc-dev")
        || name.starts_with("linux-headers")
        || name.starts_with("kernel-headers")
        || name == "kernel-devel"
        || name.ends_with("linux-api-headers");
    (of_kernel && is_headers).then(|| "the package holds headers of the kernel, not the kernel".to_owned())
}
