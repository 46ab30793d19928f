//! The flags of `build`, in the groups of its help.

use crate::cli::run_flags::words::{Flag, list, switch, value};
use clap::{Arg, ArgAction};

const GROUPS: &[(&str, &[Flag])] = &[
    ("What is built", WHAT),
    ("What comes of it", RESULT),
    ("What it may use", USES),
    ("Cache", CACHE),
    ("What is shown", SHOWN),
    ("Commands in RUN", STEPS),
];

const WHAT: &[Flag] = &[
    value("file", Some('f'), "FILE", "The Dockerfile (default PATH/Dockerfile, else PATH/Containerfile); - for standard input"),
    value("target", None, "STAGE", "Build this stage instead of the last"),
    list("build-arg", None, "NAME[=VALUE]", "A value for ARG; without one it comes from the environment"),
    value("platform", None, "OS/ARCH", "For another machine than this one"),
    switch("check", None, "Look for what is better avoided, and build nothing"),
    value("call", None, "build|check", "The same in other words"),
];

const RESULT: &[Flag] = &[
    list("tag", Some('t'), "NAME[:TAG]", "What the image is called; may be given several times"),
    list("label", None, "NAME=VALUE", "Set a label"),
    list("annotation", None, "NAME=VALUE", "Set an annotation of the image's manifest"),
    list(
        "output",
        Some('o'),
        "DIR|type=TYPE[,dest=FILE]",
        "Where the result goes: type=local, tar, oci, docker or image; - is standard output",
    ),
    switch("push", None, "Bring it to the registry that its name says"),
    switch("load", None, "Keep it as an image; it always is, unless -o says something else"),
    switch("squash", None, "All new layers become one"),
    switch("rewrite-timestamp", None, "No new file is younger than SOURCE_DATE_EPOCH"),
    value("iidfile", None, "FILE", "Write the image's id to this file"),
    value("metadata-file", None, "FILE", "Write what was made to this file, as JSON"),
];

const USES: &[Flag] = &[
    list("build-context", None, "NAME=DIR|docker-image://IMAGE", "Files or an image that FROM and --from find under this name"),
    list("secret", None, "id=NAME[,src=FILE|env=VARIABLE]", "What RUN --mount=type=secret may see"),
    list("ssh", None, "default|ID[=SOCKET]", "An agent that RUN --mount=type=ssh may ask"),
    list("allow", None, "network.host|security.insecure", "Let steps have what they ask for by these names"),
];

const CACHE: &[Flag] = &[
    switch("no-cache", None, "Do every step again"),
    list("no-cache-filter", None, "STAGE", "Do the steps of these stages again"),
    switch("pull", None, "Fetch images also where they are here"),
    list(
        "cache-from",
        None,
        "DIR|IMAGE|type=TYPE,…",
        "Results of steps that are kept there; whoever can write there decides what your steps come to",
    ),
    list(
        "cache-to",
        None,
        "DIR|IMAGE|type=TYPE,…",
        "Keep results of steps there; mode=max also those of stages that are not in the result",
    ),
];

const SHOWN: &[Flag] = &[
    value("progress", None, "auto|plain|tty|json|rawjson|quiet", "How the way is shown (default auto)"),
    switch("quiet", Some('q'), "Print the image's id only"),
    switch("debug", Some('D'), "Where RUN fails, open a shell in the state before it"),
    switch("rm", None, "Accepted: a step leaves no container behind"),
    switch("force-rm", None, "Accepted: nor does one that fails"),
];

const STEPS: &[Flag] = &[
    value("network", None, "default|none|host|NETWORK", "Their network"),
    list("add-host", None, "NAME:ADDRESS", "Add a line to their /etc/hosts"),
    list("ulimit", None, "NAME=SOFT[:HARD]", "What their processes may open, start, lock …"),
    value("memory", Some('m'), "BYTES", "Memory limit, for example 512m"),
    value("memory-swap", None, "BYTES", "Memory and swap together; -1: unlimited"),
    value("cpus", None, "NUMBER", "Processors, for example 1.5"),
    value("cpu-shares", Some('c'), "NUMBER", "Weight among containers (1024 is everybody's)"),
    value("cpu-quota", None, "MICROSECONDS", "Processor time in every period; -1: unlimited"),
    value("cpu-period", None, "MICROSECONDS", "The period of --cpu-quota (default 100000)"),
    value("cpuset-cpus", None, "LIST", "Only these processors, for example 0-2,4"),
    value("cpuset-mems", None, "LIST", "Only these nodes of memory"),
    value("shm-size", None, "BYTES", "Size of /dev/shm (default 64m)"),
    value("cgroup-parent", None, "GROUP", "Their control groups are made below this one"),
];

pub fn all() -> Vec<Flag> {
    GROUPS.iter().flat_map(|(_, flags)| *flags).copied().collect()
}

pub fn define(command: clap::Command) -> clap::Command {
    let command = command.override_usage("tare build [OPTIONS] PATH | URL | -").args_override_self(true).disable_help_flag(true);
    let args = GROUPS.iter().flat_map(|(heading, flags)| flags.iter().map(move |flag| flag.arg().help_heading(*heading)));
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print this help").hide(true);
    let words = Arg::new("words").value_name("PATH").required(true).allow_hyphen_values(false);
    command
        .args(args)
        .arg(help)
        .arg(words.help("The directory whose files it may use; a tar or a Dockerfile at a URL, or on standard input (-)"))
}
