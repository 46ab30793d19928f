//! What lies behind a pointer, where a call takes a structure.

use super::{Asked, descriptor, names, quoted};

pub fn word_at(address: u64, asked: &Asked) -> Option<u64> {
    let mut bytes = [0; 8];
    ((asked.memory)(address, &mut bytes) == 8).then(|| u64::from_le_bytes(bytes))
}

/// So many 64-bit words as there are at an address; `None`: there is no such memory.
fn words_at<const COUNT: usize>(address: u64, asked: &Asked) -> Option<[u64; COUNT]> {
    let mut words = [0; COUNT];
    for (index, word) in words.iter_mut().enumerate() {
        *word = word_at(address + index as u64 * 8, asked)?;
    }
    Some(words)
}

fn or_address(text: Option<String>, address: u64) -> String {
    text.unwrap_or_else(|| if address == 0 { "NULL".to_owned() } else { format!("{address:#x}") })
}

/// `struct clone_args`: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup.
pub fn clone_arguments(address: u64, asked: &Asked) -> String {
    let text = words_at::<11>(address, asked).map(|words| {
        let mut text = format!("{{flags={}, exit_signal={}", names::flags(words[0], names::CLONE), names::one(words[4], names::SIGNALS));
        if words[0] & 0x2_0000_0000 != 0 {
            text += &format!(", cgroup={}", descriptor(words[10], asked));
        }
        text + "}"
    });
    or_address(text, address)
}

/// `struct open_how`: flags, mode, resolve.
pub fn open_how(address: u64, asked: &Asked) -> String {
    let text = words_at::<3>(address, asked)
        .map(|[flags, _, resolve]| format!("{{flags={}, resolve={}}}", super::open_flags(flags), names::flags(resolve, names::RESOLVE)));
    or_address(text, address)
}

/// `struct mount_attr`: set, clear, propagation, user namespace.
pub fn mount_attributes(address: u64, asked: &Asked) -> String {
    let text = words_at::<4>(address, asked).map(|[set, clear, propagation, users]| {
        let mut parts = Vec::new();
        if set != 0 {
            parts.push(format!("set={}", names::flags(set, names::MOUNT_ATTRIBUTES)));
        }
        if clear != 0 {
            parts.push(format!("clear={}", names::flags(clear, names::MOUNT_ATTRIBUTES)));
        }
        if propagation != 0 {
            parts.push(format!("propagation={}", names::flags(propagation, names::MOUNT)));
        }
        if set & 0x10_0000 != 0 {
            parts.push(format!("users={}", descriptor(users, asked)));
        }
        format!("{{{}}}", parts.join(", "))
    });
    or_address(text, address)
}

/// `struct rlimit`: soft, hard.
pub fn limit(address: u64, asked: &Asked) -> String {
    let word = |value: u64| if value == u64::MAX { "unlimited".to_owned() } else { value.to_string() };
    let text = words_at::<2>(address, asked).map(|[soft, hard]| format!("{{soft={}, hard={}}}", word(soft), word(hard)));
    or_address(text, address)
}

pub fn groups(address: u64, count: u64, asked: &Asked) -> String {
    const MOST: usize = 64;
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(MOST).min(MOST) * 4];
    let have = (asked.memory)(address, &mut bytes);
    let groups = bytes[..have].as_chunks::<4>().0.iter().map(|group| u32::from_le_bytes(*group).to_string());
    format!("[{}]", groups.collect::<Vec<_>>().join(", "))
}

/// Two times effective, permitted and inheritable: the lower halves, then the upper ones.
pub fn capabilities(address: u64, asked: &Asked) -> String {
    let mut bytes = [0; 24];
    if (asked.memory)(address, &mut bytes) != bytes.len() {
        return format!("{address:#x}");
    }
    let half =
        |index: usize| u64::from(u32::from_le_bytes([bytes[index * 4], bytes[index * 4 + 1], bytes[index * 4 + 2], bytes[index * 4 + 3]]));
    let set = |index: usize| half(index) | half(index + 3) << 32;
    format!("{{effective={:#x}, permitted={:#x}, inheritable={:#x}}}", set(0), set(1), set(2))
}

/// `struct sock_fprog`: how many instructions.
pub fn filter(address: u64, asked: &Asked) -> String {
    let mut length = [0; 2];
    match (asked.memory)(address, &mut length) {
        2 => format!("{{{} instructions}}", u16::from_le_bytes(length)),
        _ => or_address(None, address),
    }
}

/// `struct msghdr`: name and its length, the pieces, their count, then what is handed over.
pub fn message(address: u64, asked: &Asked) -> String {
    let text = words_at::<6>(address, asked).and_then(|[_, _, pieces, _, _, control_length]| {
        let [place, length] = words_at::<2>(pieces, asked)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(64).min(64)];
        let have = (asked.memory)(place, &mut bytes);
        let handed_over = if control_length > 0 { ", and a descriptor" } else { "" };
        Some(quoted(&bytes[..have], usize::try_from(length).unwrap_or(usize::MAX)) + handed_over)
    });
    or_address(text, address)
}
