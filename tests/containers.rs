//! What a container is, does and leaves behind, seen from inside real containers and through the real program.
//!
//! One test program, because linking is what takes time; the topics are files of `containers/`.

mod common;

#[path = "containers/build_agents.rs"]
mod build_agents;
#[path = "containers/build_attacks.rs"]
mod build_attacks;
#[path = "containers/build_caches.rs"]
mod build_caches;
#[path = "containers/build_contexts.rs"]
mod build_contexts;
#[path = "containers/build_descriptions.rs"]
mod build_descriptions;
#[path = "containers/build_face.rs"]
mod build_face;
#[path = "containers/build_layers.rs"]
mod build_layers;
#[path = "containers/build_weather.rs"]
mod build_weather;
#[path = "containers/builds.rs"]
mod builds;
#[path = "containers/closed_output.rs"]
mod closed_output;
#[path = "containers/commit_attacks.rs"]
mod commit_attacks;
#[path = "containers/commit_weather.rs"]
mod commit_weather;
#[path = "containers/commits.rs"]
mod commits;
#[path = "containers/completion.rs"]
mod completion;
#[path = "containers/copies.rs"]
mod copies;
#[path = "containers/copies_compared.rs"]
mod copies_compared;
#[path = "containers/copy_attacks.rs"]
mod copy_attacks;
#[path = "containers/crash_aftermath.rs"]
mod crash_aftermath;
#[path = "containers/crashes.rs"]
mod crashes;
#[path = "containers/crowds.rs"]
mod crowds;
#[path = "containers/diffs.rs"]
mod diffs;
#[path = "containers/disk_full.rs"]
mod disk_full;
#[path = "containers/docker_reference.rs"]
mod docker_reference;
#[path = "containers/endings.rs"]
mod endings;
#[path = "containers/errors.rs"]
mod errors;
#[path = "containers/events.rs"]
mod events;
#[path = "containers/exec.rs"]
mod exec;
#[path = "containers/explain_script.rs"]
mod explain_script;
#[path = "containers/explained.rs"]
mod explained;
#[path = "containers/exports.rs"]
mod exports;
#[path = "containers/health.rs"]
mod health;
#[path = "containers/helping.rs"]
mod helping;
#[path = "containers/image_store.rs"]
mod image_store;
#[path = "containers/image_weather.rs"]
mod image_weather;
#[path = "containers/images.rs"]
mod images;
#[path = "containers/known_holes.rs"]
mod known_holes;
#[path = "containers/layers.rs"]
mod layers;
#[path = "containers/lifecycle.rs"]
mod lifecycle;
#[path = "containers/listing.rs"]
mod listing;
#[path = "containers/log_drivers.rs"]
mod log_drivers;
#[path = "containers/log_files.rs"]
mod log_files;
#[path = "containers/logins.rs"]
mod logins;
#[path = "containers/logs.rs"]
mod logs;
#[path = "containers/many_processes.rs"]
mod many_processes;
#[path = "containers/mirrors.rs"]
mod mirrors;
#[path = "containers/names.rs"]
mod names;
#[path = "containers/namespaces.rs"]
mod namespaces;
#[path = "containers/network_crowds.rs"]
mod network_crowds;
#[path = "containers/network_foreign.rs"]
mod network_foreign;
#[path = "containers/network_names.rs"]
mod network_names;
#[path = "containers/network_rates.rs"]
mod network_rates;
#[path = "containers/networks.rs"]
mod networks;
#[path = "containers/obstacles.rs"]
mod obstacles;
#[path = "containers/port_relay.rs"]
mod port_relay;
#[path = "containers/published.rs"]
mod published;
#[path = "containers/published_firewalls.rs"]
mod published_firewalls;
#[path = "containers/pull_crashes.rs"]
mod pull_crashes;
#[path = "containers/pulls.rs"]
mod pulls;
#[path = "containers/push_weather.rs"]
mod push_weather;
#[path = "containers/pushes.rs"]
mod pushes;
#[path = "containers/readme.rs"]
mod readme;
#[path = "containers/reasons.rs"]
mod reasons;
#[path = "containers/reboots.rs"]
mod reboots;
#[path = "containers/registry_attacks.rs"]
mod registry_attacks;
#[path = "containers/remote_looks.rs"]
mod remote_looks;
#[path = "containers/restarts.rs"]
mod restarts;
#[path = "containers/rootless.rs"]
mod rootless;
#[path = "containers/rootless_attacks.rs"]
mod rootless_attacks;
#[path = "containers/rootless_networks.rs"]
mod rootless_networks;
#[path = "containers/rootless_users.rs"]
mod rootless_users;
#[path = "containers/run_basics.rs"]
mod run_basics;
#[path = "containers/run_flags.rs"]
mod run_flags;
#[path = "containers/run_pulls.rs"]
mod run_pulls;
#[path = "containers/saves.rs"]
mod saves;
#[path = "containers/secure_registries.rs"]
mod secure_registries;
#[path = "containers/security.rs"]
mod security;
#[path = "containers/stats.rs"]
mod stats;
#[path = "containers/store_weather.rs"]
mod store_weather;
#[path = "containers/system.rs"]
mod system;
#[path = "containers/systemd.rs"]
mod systemd;
#[path = "containers/terminal.rs"]
mod terminal;
#[path = "containers/tokens.rs"]
mod tokens;
#[path = "containers/topics.rs"]
mod topics;
#[path = "containers/transcripts.rs"]
mod transcripts;
#[path = "containers/trees.rs"]
mod trees;
#[path = "containers/tuning.rs"]
mod tuning;
#[path = "containers/unflushed.rs"]
mod unflushed;
#[path = "containers/unpack_attacks.rs"]
mod unpack_attacks;
#[path = "containers/updates.rs"]
mod updates;
#[path = "containers/user_namespaces.rs"]
mod user_namespaces;
#[path = "containers/volume_filling.rs"]
mod volume_filling;
#[path = "containers/volume_store.rs"]
mod volume_store;
#[path = "containers/volumes.rs"]
mod volumes;
#[path = "containers/words.rs"]
mod words;
