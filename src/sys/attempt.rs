//! Calls that are made only to hear whether the kernel would do it: they change nothing that outlives them.
//!
//! A version number would be easier to ask for and often wrong: distributions carry features back, switch others off, and a
//! sandbox around us may refuse what the kernel could do.

#![allow(unsafe_code)]

use crate::sys::process::{self, Forked, namespace};
use crate::sys::{device_filter, file, mount, user_namespace};
use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

/// A process in new namespaces that ends at once.
pub fn namespaces(kinds: u64) -> Result<(), Errno> {
    in_child(kinds, None, || Ok(()))
}

/// A process that is born in the cgroup of this directory (clone3 with CLONE_INTO_CGROUP, Linux 5.7).
pub fn birth_in_cgroup(dir: &Path) -> Result<(), Errno> {
    let dir = file::open_dir(dir)?;
    in_child(0, Some(dir.as_fd()), || Ok(()))
}

/// What the deed answers in a process of its own; error numbers are small enough for an exit code.
fn in_child(namespaces: u64, cgroup: Option<BorrowedFd>, deed: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    match process::clone3(namespaces, cgroup)? {
        Forked::Child => process::exit_now(deed().err().map_or(0, |errno| errno as i32)),
        Forked::Parent { pid, .. } => match process::wait(pid)?.code() {
            0 => Ok(()),
            code => Err(Errno::from_raw(code)),
        },
    }
}

/// The overlay file system is in the kernel, or can be loaded.
pub fn overlay() -> Result<(), Errno> {
    open_overlay().map(drop)
}

/// Layers told one by one (Linux 6.8): without it their paths share the one page of mount(2).
pub fn overlay_of_many_layers() -> Result<(), Errno> {
    const FSCONFIG_SET_STRING: libc::c_uint = 1;
    // Nothing is mounted: the context is closed again.
    let context = open_overlay()?;
    let set = |key: &CStr| {
        // SAFETY: C strings and numbers.
        let answer = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_SET_STRING, key.as_ptr(), c"/".as_ptr(), 0) };
        Errno::result(answer).map(drop)
    };
    // Before 6.5 overlay looked at no option until it was mounted, so every key was taken.
    if set(c"no-such-option").is_ok() {
        return Err(Errno::EINVAL);
    }
    set(c"lowerdir+")
}

fn open_overlay() -> Result<OwnedFd, Errno> {
    const FSOPEN_CLOEXEC: libc::c_uint = 1;
    // SAFETY: a C string and a number; the result is a descriptor or an error.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_fsopen, c"overlay".as_ptr(), FSOPEN_CLOEXEC) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// An overlay with its marks in `user.*` attributes, mounted by somebody who is root only in their own namespace (Linux 5.11).
pub fn overlay_in_user_namespace() -> Result<(), Errno> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    in_child(namespace::USER | namespace::MOUNT, None, || {
        let own = |name: &str, text: &str| file::write_kernel_file(&Path::new("/proc/self").join(name), text);
        own("uid_map", &format!("0 {uid} 1"))?;
        // user_namespaces(7): without this, whoever is not root may map no group.
        own("setgroups", "deny")?;
        own("gid_map", &format!("0 {gid} 1"))?;
        // In a mount namespace of a less powerful user nothing spreads to the host.
        let place = Path::new("/tmp");
        mount::file_system("tmpfs", "tmpfs", place, mount::Flags::empty(), "")?;
        for name in ["lower", "upper", "work", "root"] {
            file::make_dir(&place.join(name), 0o700)?;
        }
        let options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work,userxattr";
        mount::file_system("overlay", "overlay", &place.join("root"), mount::Flags::empty(), options)
    })
}

/// Files shown with other owners (Linux 5.12): whether the file system of this directory allows it.
pub fn id_mapped_mount(dir: &Path) -> Result<(), Errno> {
    let root_alone = [(0, 0, 1)];
    let namespace = user_namespace::with_maps(&root_alone, &root_alone)?;
    let tree = mount::detached_copy(dir, false)?;
    mount::map_owners(tree.as_fd(), false, namespace.as_fd())
}

/// Paths resolved beneath a root by the kernel (Linux 5.6).
pub fn openat2() -> Result<(), Errno> {
    // SAFETY: all zero is an empty request.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_IN_ROOT;
    // SAFETY: the path is a C string, the request lives until the call returns.
    let fd = unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, c".".as_ptr(), &raw const how, size_of::<libc::open_how>()) };
    // SAFETY: the kernel has just made this descriptor for us.
    Errno::result(fd).map(|fd| drop(unsafe { OwnedFd::from_raw_fd(fd as i32) }))
}

/// Processes held by descriptor (Linux 5.3).
pub fn pidfd() -> Result<(), Errno> {
    process::pidfd_of(process::own_pid()).map(drop)
}

/// All descriptors closed by one call (Linux 5.9); tried on numbers that nobody has.
pub fn close_range() -> Result<(), Errno> {
    // SAFETY: no descriptor has so high a number.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, u32::MAX - 1, u32::MAX, 0) }).map(drop)
}

/// What a filter of system calls may answer.
#[derive(Clone, Copy)]
pub enum FilterAnswer {
    Errno = 0x0005_0000,
    /// Another process decides (Linux 5.0).
    AskAnother = 0x7fc0_0000,
}

pub fn seccomp(answer: FilterAnswer) -> Result<(), Errno> {
    const SECCOMP_GET_ACTION_AVAIL: libc::c_uint = 2;
    let answer = answer as u32;
    // SAFETY: the number lives until the call returns.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &raw const answer) }).map(drop)
}

/// A program that forbids every device, loaded and thrown away.
pub fn device_program() -> Result<(), Errno> {
    let instruction = |code: u8| device_filter::Instruction { code, registers: 0, offset: 0, constant: 0 };
    const SET_64: u8 = 0xb7;
    const EXIT: u8 = 0x95;
    device_filter::load(&[instruction(SET_64), instruction(EXIT)]).map(drop)
}

/// A network interface that a program stands behind.
pub fn tun() -> Result<(), Errno> {
    file::open(Path::new("/dev/net/tun"), file::OFlag::O_RDWR).map(drop)
}

/// Packet rules: nf_tables is asked which generation of its rules is in force.
pub fn nf_tables() -> Result<(), Errno> {
    use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
    const GET_GENERATION: u16 = 10 << 8 | 16; // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const NLMSG_ERROR: u16 = 2;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter)?;
    // nlmsghdr (length, kind, flags, sequence, port) and nfgenmsg (family, version, resource).
    let mut request = 20u32.to_ne_bytes().to_vec();
    request.extend([GET_GENERATION.to_ne_bytes(), NLM_F_REQUEST_ACK.to_ne_bytes()].concat());
    request.resize(20, 0);
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut answer = [0; 256];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    match kind == NLMSG_ERROR && length >= 20 {
        true => match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
            0 => Ok(()),
            error => Err(Errno::from_raw(-error)),
        },
        false => Ok(()),
    }
}

/// The same in a network that belongs to our user namespace.
pub fn nf_tables_of_our_own() -> Result<(), Errno> {
    in_child(namespace::NET, None, nf_tables)
}

/// Whether a filter of system calls lies on us, proc_pid_status(5).
pub fn is_filtered() -> bool {
    of_own_status("Seccomp:") == Some(2)
}

/// Whether no program that we execute gets more rights than we have.
pub fn gains_nothing() -> bool {
    of_own_status("NoNewPrivs:") == Some(1)
}

fn of_own_status(key: &str) -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

/// Open files of one process: the limit that a child of ours can at most be given without more rights.
pub fn most_open_files() -> u64 {
    nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(0, |(_, hard)| hard)
}

/// Capabilities that can never come back to us or to a container of ours, by name.
pub fn capabilities_out_of_reach() -> Vec<String> {
    let ours = caps::read(None, caps::CapSet::Bounding).unwrap_or_default();
    let mut missing: Vec<String> = caps::runtime::thread_all_supported().difference(&ours).map(ToString::to_string).collect();
    missing.sort();
    missing
}

/// The name of the security profile that confines this process.
pub fn own_profile() -> Option<String> {
    const LONGEST: u64 = 4096;
    let text = file::read_bounded(Path::new("/proc/self/attr/current"), LONGEST).ok()?;
    let text = CStr::from_bytes_until_nul(&text).map_or_else(|_| text.clone(), |text| text.to_bytes().to_vec());
    Some(String::from_utf8_lossy(&text).trim().to_owned()).filter(|text| !text.is_empty())
}
