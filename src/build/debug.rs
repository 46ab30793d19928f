//! A container with the files and settings that a step would have found: for whoever wants to know why it failed.

use crate::build::State;
use crate::build::scope::env_of;
use crate::engine::create::{self, Request};
use crate::engine::launch;
use crate::error::Result;
use crate::image;
use crate::monitor::protocol::Wants;
use crate::options::{LogDriver, Wishes, health};
use crate::paths::Paths;
use std::os::fd::OwnedFd;

const SHELL: &str = "/bin/sh";

/// Its shell, and the socket of its monitor. It is gone when the shell ends.
pub fn shell(paths: &Paths, state: &State, wishes: &Wishes, terminal: bool, wants: Wants) -> Result<OwnedFd> {
    let mut config = state.config();
    for field in ["Volumes", "ExposedPorts", "Entrypoint", "Cmd", "Healthcheck", "StopSignal", "Labels"] {
        config.remove(field);
    }
    let env = env_of(&config);
    let image = image::unnamed(state.image.as_deref(), config, state.diff_ids())?;
    let mut wishes = wishes.clone();
    wishes.env.extend(state.scope.for_run(&env));
    wishes.remove = true;
    wishes.interactive = true;
    wishes.terminal = terminal;
    wishes.log.driver = LogDriver::None;
    wishes.health = Some(health::none());
    wishes.entrypoint = Some(Vec::new());
    wishes.command = vec![SHELL.to_owned()];
    let request = Request { image: "build:debug".to_owned(), name: None, wishes, launched: true, on_copy: |_| {}, place: None };
    launch::launch(paths, create::create(paths, request, &image)?, wants)
}
