//! The two images that most tests run: `box` (busybox, a few users, traps, and the probe) and `probe` (the probe and nothing else).
//!
//! They are made here rather than by `images/`, because they hold what only a test wants.

use super::archive::{Image, Layer};
use super::{built, image_dir};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The probe, built if its sources are newer than the program.
pub fn probe() -> PathBuf {
    let path = built("TARE_PROBE", "probe");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe");
    // In the throw-away machine there are no sources and no compiler.
    let Ok(entries) = std::fs::read_dir(&sources) else { return path };
    let age = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let newest = files.iter().filter_map(|file| age(file)).max();
    if age(&path) >= newest {
        return path;
    }
    let new = path.with_extension(format!("new{}", std::process::id()));
    let sources = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "c"));
    let status = Command::new("cc").args(["-static", "-O2", "-o"]).arg(&new).args(sources).status();
    assert!(status.is_ok_and(|status| status.success()), "cannot compile tests/probe with cc -static (apt-get install gcc libc6-dev)");
    std::fs::rename(&new, &path).expect("rename the probe");
    path
}

pub fn busybox() -> PathBuf {
    let path = ["/bin/busybox", "/usr/bin/busybox"].iter().map(PathBuf::from).find(|path| path.is_file());
    path.unwrap_or_else(|| panic!("this machine has no busybox: apt-get install busybox-static"))
}

/// The archives that a new store begins with.
pub fn archives() -> Vec<(String, Vec<u8>)> {
    vec![("box.tar".into(), box_image().docker_archive()), ("probe.tar".into(), probe_image().docker_archive())]
}

/// Nothing but one static program: no /etc, no /tmp, no /proc to mount on.
pub fn probe_image() -> Image {
    let program = std::fs::read(probe()).expect("the probe");
    Image::new("probe", vec![Layer::new().file("probe", 0o755, program).tar()]).with_config(json!({"Entrypoint": ["/probe"]}))
}

pub fn box_image() -> Image {
    let applets = Command::new(busybox()).arg("--list").output().expect("busybox --list");
    let mut layer = Layer::new();
    for (dir, mode) in [
        ("bin/", 0o755),
        ("etc/", 0o755),
        ("root/", 0o700),
        ("home/", 0o755),
        ("tmp/", 0o1777),
        ("var/", 0o755),
        ("usr/", 0o755),
        ("usr/bin/", 0o755),
    ] {
        layer = layer.dir(dir, mode);
    }
    layer = layer.file("bin/busybox", 0o755, std::fs::read(busybox()).expect("busybox"));
    for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|applet| !["busybox", ""].contains(applet)) {
        layer = layer.symlink(&format!("bin/{applet}"), "busybox");
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n\
                  4242:x:77:78:a name that is a number:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
    let group = "root:x:0:\ndaemon:x:1:\nwheel:x:10:root,alice\naudio:x:29:alice\nalice:x:1000:\nnogroup:x:65534:\n";
    let layer = layer
        .file("probe", 0o755, std::fs::read(probe()).expect("the probe"))
        .file("etc/passwd", 0o644, passwd)
        .file("etc/group", 0o644, group)
        .owned_dir("home/alice/", 0o755, (1000, 1000))
        .owned_file("home/alice/hers", 0o600, (1000, 1000), "hers\n")
        // What cannot be executed, each in its own way.
        .file("not-executable", 0o644, "#!/bin/sh\necho never\n")
        .file("not-a-program", 0o755, "\x01\x02\x03 neither a script nor an ELF file")
        .file("other-machine", 0o755, elf_for_another_machine())
        .file("no-interpreter", 0o755, "#!/no/such/interpreter\n")
        .file("script", 0o755, "#!/bin/sh\necho script \"$@\"\n")
        .symlink("loop", "loop")
        .symlink("dangling", "/no/such/file");
    Image::new("box", vec![layer.tar()])
        .with_config(json!({"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "FROM_IMAGE=yes"], "Labels": {"org.example.kind": "box"}}))
}

/// A header that any kernel knows for an ELF program, of a machine that this is not (IA-64).
fn elf_for_another_machine() -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    header[16] = 2;
    header[18] = 50;
    header[20] = 1;
    header
}

/// The archive of one of `images/`, if it was built.
pub fn archive(name: &str) -> Option<PathBuf> {
    Some(image_dir().join(format!("{name}.tar"))).filter(|path| path.is_file())
}
