//! Rights of root that a file gives to whoever runs it: the attribute `security.capability`, as layers carry it and as it lies on a disk.
//!
//! Source: capabilities(7), `linux/capability.h` (`vfs_cap_data`).

use crate::model::excused::Excused as _;

/// The attribute's name.
pub(in crate::stage::inventory) const ATTRIBUTE: &str = "security.capability";

/// In the order of their numbers.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// What an attribute gives, in words; `None` where it gives nothing. One that cannot be read is told as it is: what the kernel makes of it is not
/// known here.
pub(in crate::stage::inventory) fn given(attribute: &[u8]) -> Option<String> {
    let word = |at: usize| {
        let bytes = attribute.get(at..at + 4)?.try_into();
        Some(u32::from_le_bytes(bytes.or_none("four bytes are four bytes")?))
    };
    let length = match word(0).map(|magic| magic >> 24) {
        Some(1) => 12,
        Some(2) => 20,
        Some(3) => 24,
        _ => 0,
    };
    if length == 0 || attribute.len() != length {
        return Some("capabilities that cannot be read".to_owned());
    }
    // Permitted and inheritable by turns, the lower 32 first.
    let set =
        |first: usize| u64::from(word(first).unwrap_or(0)) | u64::from(if length > 12 { word(first + 8).unwrap_or(0) } else { 0 }) << 32;
    let (permitted, inheritable) = (set(4), set(8));
    match (permitted, inheritable) {
        (0, 0) => None,
        (0, inheritable) => Some(format!("inheritable capabilities {}", named(inheritable))),
        (permitted, _) => Some(format!("capabilities {}", named(permitted))),
    }
}

fn named(set: u64) -> String {
    let numbers = (0..64usize).filter(|number| (set >> number) & 1 == 1);
    let name = |number: usize| match NAMES.get(number) {
        Some(name) => format!("cap_{name}"),
        None => number.to_string(),
    };
    if numbers.clone().count() >= NAMES.len() {
        return "all".to_owned();
    }
    numbers.map(name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `setcap cap_net_raw+ep`, as getfattr shows it.
    const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn capabilities_are_named_in_each_revision() {
        assert_eq!(given(&NET_RAW).as_deref(), Some("capabilities cap_net_raw"));
        let mut rooted = NET_RAW.to_vec();
        (rooted[3], rooted[12]) = (3, 0x40);
        rooted.extend([0xe8, 3, 0, 0]);
        assert_eq!(given(&rooted).as_deref(), Some("capabilities cap_net_raw,cap_perfmon"));
        assert_eq!(
            given(&[0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0]).as_deref(),
            Some("capabilities cap_setuid")
        );
        let mut all = [0xff; 20];
        all[..4].copy_from_slice(&[1, 0, 0, 2]);
        assert_eq!(given(&all).as_deref(), Some("capabilities all"));
        let mut inheritable = NET_RAW;
        inheritable.swap(5, 9);
        assert_eq!(given(&inheritable).as_deref(), Some("inheritable capabilities cap_net_raw"));
    }

    #[test]
    fn an_empty_set_gives_nothing_and_what_cannot_be_read_is_told() {
        let mut none = NET_RAW;
        none[5] = 0;
        assert_eq!(given(&none), None, "the control");
        for odd in [&b""[..], b"\x01\0\0\x02", b"\x01\0\n\x02", &NET_RAW[..19], &[9; 20]] {
            assert_eq!(given(odd).as_deref(), Some("capabilities that cannot be read"), "{odd:?}");
        }
    }
}
