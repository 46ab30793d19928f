//! Promises about the spec that image and wishes become.

use super::*;
use oci_spec::runtime::Capability;
use serde_json::Value;

fn facts() -> Facts {
    Facts {
        id: "f00".into(),
        hostname: "box".into(),
        root: "/store/f00".into(),
        lower: vec!["/l2".into(), "/l1".into()],
        upper: "/store/f00/upper".into(),
        work: "/store/f00/work".into(),
        hosts: "/run/hosts".into(),
        hostname_file: "/run/hostname".into(),
        resolv_conf: "/run/resolv.conf".into(),
        cgroup_path: "/tare/f00".into(),
        cgroup2_mounted: true,
        ..Facts::default()
    }
}

fn image() -> ImageWords {
    ImageWords {
        cmd: vec!["sh".into()],
        env: vec!["PATH=/bin".into()],
        user: "web".into(),
        workdir: "srv/".into(),
        ..ImageWords::default()
    }
}

fn made(wishes: &Wishes) -> Spec {
    runtime_spec(wishes, &image(), &facts()).unwrap()
}

#[test]
fn what_the_image_says_is_done_unless_wished_otherwise() {
    let spec = made(&Wishes::default());
    let process = spec.process().as_ref().unwrap();
    assert_eq!(process.args().as_ref().unwrap(), &["sh"]);
    assert_eq!(process.cwd().to_str(), Some("/srv"));
    assert_eq!(process.user().username().as_deref(), Some("web"));
    assert_eq!(process.env().as_ref().unwrap(), &["PATH=/bin", "HOSTNAME=box"]);
    let wishes = Wishes { user: Some("5:6".into()), workdir: Some("/a/../b".into()), terminal: true, ..Wishes::default() };
    let spec = made(&wishes);
    let process = spec.process().as_ref().unwrap();
    assert_eq!((process.user().uid(), process.user().gid(), process.cwd().to_str()), (5, 6, Some("/b")));
    assert_eq!(process.terminal(), Some(true));
}

#[test]
fn a_container_has_its_own_view_of_everything() {
    let kinds = |wishes: &Wishes| {
        let spec = made(wishes);
        let linux = spec.linux().as_ref().unwrap();
        linux.namespaces().as_ref().unwrap().iter().map(|namespace| namespace.typ().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(kinds(&Wishes::default()), "mnt uts pid ipc net cgroup");
    let shared = Wishes { pid: Pid::Host, ipc: Ipc::Host, host_uts: true, network: Network::Host, ..Wishes::default() };
    assert_eq!(kinds(&shared), "mnt cgroup");
    assert_eq!(made(&shared).hostname(), &None);
    let (id, id2) = ("f01".to_owned(), "f02".to_owned());
    let lent = Wishes { pid: Pid::Container(id.clone()), ipc: Ipc::Container(id), network: Network::Container(id2), ..Wishes::default() };
    assert_eq!(kinds(&lent), "mnt uts pid ipc net cgroup", "should nobody fill in the paths, it has its own");
    assert_eq!(kinds(&Wishes { host_group_view: true, ..Wishes::default() }), "mnt uts pid ipc net");
    // A source of another container begins like no path of the host.
    let spec = made(&lent);
    let sources = spec.mounts().as_ref().unwrap().iter().filter_map(|mount| mount.source().as_ref()?.to_str());
    let borrowed: Vec<&str> = sources.filter(|source| source.starts_with("container:")).collect();
    assert_eq!(
        borrowed,
        ["container:f01/dev/shm", "container:f02/etc/resolv.conf", "container:f02/etc/hostname", "container:f02/etc/hosts"]
    );
}

#[test]
fn clocks_stand_in_the_spec_as_the_kernel_takes_them() {
    let spec = made(&Wishes { clocks: ClockOffsets { monotonic: -1_500_000_000, boottime: 0 }, ..Wishes::default() });
    let linux = spec.linux().as_ref().unwrap();
    assert!(linux.namespaces().as_ref().unwrap().iter().any(|namespace| namespace.typ() == LinuxNamespaceType::Time));
    let offsets = linux.time_offsets().as_ref().unwrap();
    assert_eq!((offsets.len(), offsets["monotonic"].secs(), offsets["monotonic"].nanosecs()), (1, Some(-2), Some(500_000_000)));
    assert!(made(&Wishes::default()).linux().as_ref().unwrap().time_offsets().is_none());
}

#[test]
fn cve_2022_29162_no_capability_is_inheritable_or_ambient() {
    let spec = made(&Wishes { cap_add: vec!["NET_ADMIN".into()], cap_drop: vec!["chown".into()], ..Wishes::default() });
    let sets = spec.process().as_ref().unwrap().capabilities().as_ref().unwrap();
    assert!(sets.inheritable().as_ref().unwrap().is_empty() && sets.ambient().as_ref().unwrap().is_empty());
    let bounding = sets.bounding().as_ref().unwrap();
    assert!(
        bounding.contains(&Capability::NetAdmin) && !bounding.contains(&Capability::Chown) && !bounding.contains(&Capability::SysAdmin)
    );
    assert_eq!((bounding.len(), sets.effective(), sets.permitted()), (14, sets.bounding(), sets.bounding()));
    assert!(runtime_spec(&Wishes { cap_add: vec!["FLY".into()], ..Wishes::default() }, &image(), &facts()).is_err());
}

#[test]
fn privileged_lifts_every_protection() {
    let spec = made(&Wishes { privileged: true, ..Wishes::default() });
    let linux = spec.linux().as_ref().unwrap();
    assert!(linux.masked_paths().is_none() && linux.readonly_paths().is_none());
    assert_eq!(spec.process().as_ref().unwrap().capabilities().as_ref().unwrap().bounding().as_ref().unwrap().len(), 41);
    assert_eq!(spec.annotations().as_ref().unwrap()[SECCOMP_ANNOTATION], "unconfined");
    let ordinary = made(&Wishes::default());
    let masked = ordinary.linux().as_ref().unwrap().masked_paths().as_ref().unwrap();
    assert!(masked.iter().any(|path| path == "/proc/kcore") && masked.iter().any(|path| path == "/sys/firmware"));
    assert_eq!(ordinary.annotations().as_ref().unwrap()[SECCOMP_ANNOTATION], "default");
}

#[test]
fn devices_and_masks_of_this_machine_are_added() {
    let node =
        DeviceNode { path: "/dev/fuse".into(), character: true, major: 10, minor: 229, mode: 0o600, uid: 1, gid: 2, access: "rwm".into() };
    let facts = Facts { devices: vec![node], masked: vec!["/sys/x".into()], ..facts() };
    let spec = runtime_spec(&Wishes::default(), &image(), &facts).unwrap();
    let linux = spec.linux().as_ref().unwrap();
    assert_eq!(linux.masked_paths().as_ref().unwrap().last().unwrap(), "/sys/x");
    let device = &linux.devices().as_ref().unwrap()[0];
    assert_eq!((device.major(), device.minor(), device.file_mode(), device.uid()), (10, 229, Some(0o600), Some(1)));
}

#[test]
fn limits_of_a_process_keep_their_names() {
    for name in crate::options::ulimits::NAMES {
        let wishes = Wishes { ulimits: vec![Ulimit { name: (*name).into(), soft: 1, hard: u64::MAX }], ..Wishes::default() };
        let spec = made(&wishes);
        let limits = spec.process().as_ref().unwrap().rlimits().as_ref().unwrap();
        assert_eq!((limits[0].typ().to_string(), limits[0].hard()), (format!("RLIMIT_{}", name.to_uppercase()), u64::MAX));
    }
}

#[test]
fn propagation_is_asked_for_or_not_there() {
    let text = |options: &str| {
        let bind = crate::options::mounts::parse_volume(&format!("/a:/b:{options}"), std::path::Path::new("/")).unwrap().mount;
        made(&Wishes { mounts: vec![bind], ..Wishes::default() }).linux().as_ref().unwrap().rootfs_propagation().clone().unwrap()
    };
    assert_eq!((text("ro").as_str(), text("rslave").as_str(), text("rshared").as_str()), ("rprivate", "rslave", "shared"));
}

#[test]
fn the_spec_reads_as_config_json() {
    let json: Value = serde_json::to_value(made(&Wishes { read_only: true, ..Wishes::default() })).unwrap();
    assert_eq!(json["ociVersion"], "1.2.0");
    assert_eq!(json["root"], serde_json::json!({"path": "/store/f00", "readonly": true}));
    assert_eq!(json["mounts"][0]["type"], "overlay");
    assert_eq!(json["linux"]["cgroupsPath"], "/tare/f00");
    assert_eq!(json["process"]["noNewPrivileges"], false);
    let back: Spec = serde_json::from_value(json).unwrap();
    assert_eq!(back, made(&Wishes { read_only: true, ..Wishes::default() }));
}

#[test]
fn a_user_that_makes_no_sense_is_refused() {
    assert!(runtime_spec(&Wishes { user: Some("4294967295".into()), ..Wishes::default() }, &image(), &facts()).is_err());
    assert!(runtime_spec(&Wishes::default(), &ImageWords { user: "a b".into(), ..image() }, &facts()).is_err());
}

/// `cargo test --release -- --ignored --nocapture price`
#[test]
#[ignore = "a measurement"]
fn price_of_a_spec() {
    let (wishes, image, facts) = (Wishes::default(), image(), facts());
    let mut times: Vec<u128> = (0..2000)
        .map(|_| {
            let start = std::time::Instant::now();
            std::hint::black_box(runtime_spec(&wishes, &image, &facts).unwrap());
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    println!("first half {} ns, median {} ns", times[0], times[1000]);
}
