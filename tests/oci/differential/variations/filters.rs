//! seccomp: which calls are answered how.

use super::{Variation, one, several};
use serde_json::{Value, json};

pub fn all() -> Vec<Variation> {
    let filter = |value: Value| one("/linux/seccomp", value);
    let rules = |rules: Value| filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}));
    let prlimit = |args: Value| rules(json!([{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO", "args": args}]));
    let refuse = |names: &[&str]| json!({"names": names, "action": "SCMP_ACT_ERRNO"});
    let allow = json!({"defaultAction": "SCMP_ACT_ALLOW"});
    vec![
        filter(allow.clone()),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [refuse(&["uname"])]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refuse(&["getpid"])],
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]})),
        rules(json!([refuse(&["uname", "getcwd"])])),
        rules(json!([refuse(&["no_such_call", "getgroups"])])),
        rules(json!([{"names": ["getgroups"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}])),
        rules(json!([{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2}])),
        rules(json!([{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}])),
        rules(json!([{"names": ["chroot"], "action": "SCMP_ACT_KILL_PROCESS"}])),
        rules(json!([{"names": ["chroot"], "action": "SCMP_ACT_KILL"}])),
        rules(json!([{"names": ["chroot"], "action": "SCMP_ACT_KILL_THREAD"}])),
        rules(json!([{"names": ["chroot"], "action": "SCMP_ACT_TRAP"}])),
        rules(json!([{"names": ["getgroups"], "action": "SCMP_ACT_TRACE", "errnoRet": 7}])),
        rules(json!([{"names": ["getgroups"], "action": "SCMP_ACT_LOG"}])),
        rules(json!([{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}]}])),
        rules(json!([refuse(&["mkdir"]), {"names": ["rmdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30}])),
        rules(json!([
            {"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 11, "args": [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]},
            {"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 12, "args": [{"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]},
        ])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_NE"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_GT"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_GE"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_LT"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_LE"}])),
        prlimit(json!([{"index": 1, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}])),
        prlimit(json!([{"index": 1, "value": 7, "op": "SCMP_CMP_GE"}, {"index": 1, "value": 8, "op": "SCMP_CMP_LT"}])),
        prlimit(json!([{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 8, "op": "SCMP_CMP_EQ"}])),
        filter(json!({"defaultAction": "SCMP_ACT_LOG"})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": []})),
        several(&[
            ("/linux/seccomp", json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refuse(&["getgroups"])]})),
            ("/process/noNewPrivileges", json!(false)),
        ]),
        several(&[
            ("/linux/seccomp", json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refuse(&["setuid", "setgid", "capset", "chdir"])]})),
            ("/process/user", json!({"uid": 1000, "gid": 1000})),
        ]),
        // What cannot be.
        filter(json!({"defaultAction": "SCMP_ACT_NOSUCH"})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NOSUCH"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NOSUCH"]})),
        prlimit(json!([{"index": 6, "value": 7, "op": "SCMP_CMP_EQ"}])),
    ]
}
