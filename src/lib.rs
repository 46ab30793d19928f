//! The map of the code.
//!
//! # The way of a `run`
//!
//! `tare run -it --rm alpine sh`, from `main` to `execve`, is read in this order:
//!
//! 1. `main.rs` calls `cli/mod.rs`, which finds the one command that was typed and parses its words. Whoever is not root becomes
//!    root of a user namespace of his first (`rootless/`), and from then on nothing is different.
//! 2. `cli/run.rs` turns flags into wishes (`cli/run_flags/`, `options/`), and asks the engine.
//! 3. `engine/making/create.rs` lets `spec/runtime_spec.rs` write the OCI spec, claims a name, makes the directories.
//! 4. `engine/life/launch.rs` forks the **monitor** (`monitor_life.rs`), and `begin.rs` makes the cgroup (`runtime/cgroup/`) and the pipes.
//! 5. `runtime/create.rs` is the parent's half: one `clone3`, all namespaces at once, straight into the cgroup. Those that it
//!    shares with another container (`engine/making/neighbours.rs`) are joined (`runtime/namespaces.rs`).
//! 6. `runtime/child/` is the child's half, a table of contents; `runtime/root/` furnishes its world.
//! 7. `runtime/identity.rs` makes it somebody, and ends in `execve`. Pid 1 has become `init/reaper.rs` meanwhile.
//!    While it builds its world, `life/join.rs` plugs it into its networks (`network/`).
//! 8. `monitor/watch.rs` keeps the streams until the end; `monitor/attend.rs` shows them on the user's side.
//!
//! # The way of a `build`
//!
//! `cli/build.rs` reads the words, and `build/apart.rs` puts the work into a process that can be ended as a whole. `dockerfile/parse/` understands the
//! text, `build/plan.rs` makes a graph of stages of it, and `build/oversee.rs` gives each stage that is needed a process (`build/stage.rs`), which goes
//! line by line: a key (`build/key.rs`) says whether a line's result is known (`image/kept/steps.rs`); else `build/steps/` carries it out, RUN in a
//! container like any other, COPY in a view of the files so far (`runtime/view.rs`, `build/files/`), and `image/coming/built.rs` makes what was written
//! a layer.
//!
//! # The way of an explanation
//!
//! `trace/step.rs` is the list of all steps, each with a title and a reason. The code that performs one begins it (`trace::begin`): a store into memory, and
//! a mark on a page that all processes of a start share (`trace/timeline.rs`, drawn by `explain/start/`). With `--explain` the command goes on in a
//! child (`cli/explained.rs`), and `explain/observe.rs` follows it and all that come of it by ptrace(2): it reads from their memory at which step they
//! are, and `explain/calls/` puts their calls into words. What a run would do is told from the same spec by `explain/plan/`.
//!
//! # Floors
//!
//! A module imports only from floors below it (`tests/architecture.rs` holds that):
//!
//! | floor | rooms |
//! |---|---|
//! | faces | `cli/`: one file per command; `oci/`: the same core as a strict OCI runtime; they alone print and exit. Below them `explain/`: what they tell learners |
//! | compositions | `build/`: Dockerfiles become images, by the engine's verbs |
//! | engine | `engine/`: one verb, one file; `making/` containers, their `life/`, `keeping/` their records, their `files/`, `looking/` at all of it |
//! | watcher | `monitor/` |
//! | crafts | `image/`, `registry/`, `runtime/`, `init/`, `network/`, `volume/`, `rootless/`; neighbours never meet |
//! | words, no I/O | `spec/`, `options/`, `dockerfile/`, `record.rs`, `names.rs`, `time.rs` |
//! | ground | `sys/` (every `unsafe`), `store.rs`, `paths.rs`, `trace.rs` (the steps), `kernel.rs` (what this one can do), `error.rs` |
//!
//! # Crashes
//!
//! Any of our processes may be killed at any instruction. `engine/keeping/hold.rs` says who may change a container (whoever holds the lock
//! in its run directory, which is made first and removed last), and `engine/keeping/repair.rs` what the next command does with one
//! that nobody holds. `tare system check` (`engine/looking/check/`) looks for everything else that can be wrong.
//!
//! Threads are made in `sys/threads.rs` only, and are gone before a process is made: a fork copies the locks of those that are not.
//!
//! # Where this differs from the first design, and why
//!
//! * **Mounts after `pivot_root`, not before.** Sources on the host are held as detached mounts (`open_tree`) before the root
//!   is entered, and hung up after it. So no target path is ever resolved on the host: a symlink in the image cannot lead out
//!   because there is no out any more. Engines that mount first need a guard per path, and most of their holes were there.
//! * **A ground layer below every image** holds the mount points that a container needs (`/proc`, `/dev`, `/etc/hosts` …), so
//!   making them copies no directory up into the container's own layer.
//! * **/etc/hosts and its like are nowhere on the host.** The first process writes them into a little file system of its own
//!   (`runtime/root/small_files.rs`); a container that shares a network, or /dev/shm, takes them out of the other's mounts.
//! * **The overlay is a mount at `/` in the spec.** So `config.json` alone says what the root is, and the runtime knows no images.
//! * **The reaper is a program of its own**, compiled without a standard library and executed from a sealed file in memory. The
//!   command is forked before and waits at a gate until pid 1 has changed its skin: no moment exists in which the container's
//!   code runs while `/proc/1/exe` is a file of the host.
//! * **Volumes are bind mounts and nothing else.** A volume whose options would have to be mounted on the host (tmpfs, nfs) is
//!   refused, because no mount of ours ever appears there. One that stands for a directory (`o=bind`) is that directory.

//! * **A published port obeys the host's firewall, and still shows the client's address.** Docker redirects packets before the host's
//!   input chain has seen them (moby#22054). A proxy would obey it, and hide the client. Rules of the host could be read, but they
//!   change. So the first packet of a connection goes its usual way up to the host's last word in the input chain, and only then
//!   once more round: a copy of it leaves by a cable whose both ends are on the host, comes in again as if from its true interface,
//!   and is redirected to the container, if the host's forward chain lets it pass. The kernel remembers the connection, and all
//!   other packets go straight (`network/rules/`; it costs a tenth of a millisecond per connection). Loopback, the host itself and
//!   containers that call the host come through a socket of the container's porter, and so does everything where the kernel
//!   cannot do this: the same socket holds the port, so two containers never get the same.
//! * **Without root there is no second way of doing anything.** An ordinary user's command goes into his user namespace and is root there;
//!   all of his containers live in the same one, so every command has power over all of them and over every file of his store. No
//!   process stays only to keep it: whoever comes looks for somebody who is in it, and where nobody is nothing is lost with it
//!   (`rootless/find.rs`). Networks are the same code in a network namespace that belongs to it, and what leaves the machine goes through
//!   a pasta of each container, so the client's address is kept (`network/switchboard.rs`, `network/pasta/`).
//!   The strict runtime alone has a namespace for each container, in which everybody is who he is outside: its config.json says so.
//! * **Files keep their owners on disk, whoever a container's users are.** With `--userns` its layers are seen through one idmapped mount
//!   over the store (`runtime/root/owners.rs`): nothing is changed on disk, it costs the same for every image, and the next start
//!   may have other ids.
//! * **Names are answered, not written down.** A hosts file per container would have to be rewritten in every container of a
//!   network whenever one starts or ends. The porter looks a name up in a directory at the moment when somebody asks for it.
//! * **The porter has no rights.** It reads what strangers send, from both sides, so it is nobody, holds sockets and directories of names
//!   and nothing else, and leaves bytes on their way in the kernel's buffers. Inside, its name server is not on port 53, because then no
//!   container could be one itself: four rules in the container's network exchange the ports.
//! * **An address is a file.** Who can make it has the address: no lock, no list, no server. The hardware address follows from it,
//!   so nobody's neighbour table is wrong when an address goes from one container to the next.
//! * **Nobody waits for the files of a layer.** The blobs are flushed before an image is promised, which is a quarter of the bytes; the
//!   list says which layers were put down in this life of the machine, and in a next one these are made again (`image/kept/unflushed.rs`).
//! * **A stage of a build is a process, not a thread.** It makes containers, and whoever makes processes has no threads. Who oversees it hands on
//!   what stages have come to, and a kill of either leaves nothing running: a step's container ends with whoever began it.
//! * **What a step has written is not copied to become a layer.** The overlay's directory is packed once, for its digests and its blob, and gets its
//!   name. Its mount points lie in a layer below all others, so nothing has to be removed from it.
//! * **Nobody explains himself.** Telling would be one more thing to do, in processes that have no streams and may not print, and could be forgotten at any
//!   call. So somebody else looks: what is told is what the kernel was asked, and a start that is not explained pays one page of memory.
//! * **Layers are inflated by code of our own**, in safe Rust: most of a pull is inflating, and no C reads what strangers send.

#![deny(unsafe_code)]

pub mod build;
pub mod cli;
pub mod dockerfile;
pub mod engine;
pub mod error;
pub mod explain;
pub mod image;
pub mod init;
pub mod kernel;
pub mod monitor;
pub mod names;
pub mod network;
pub mod oci;
pub mod options;
pub mod paths;
pub mod record;
pub mod registry;
pub mod rootless;
pub mod runtime;
pub mod spec;
pub mod store;
pub mod sys;
pub mod time;
pub mod trace;
pub mod volume;
