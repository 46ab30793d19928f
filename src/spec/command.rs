//! Which command a container executes, and whether that command is an init of its own.

use crate::error::{Error, Result};
use crate::options::Wishes;
use crate::spec::image_words::ImageWords;

/// Entrypoint and arguments. A command that was typed replaces the image's; an entrypoint that was typed also drops the
/// image's command, which was written for another program.
pub fn command(wishes: &Wishes, image: &ImageWords) -> Result<Vec<String>> {
    let typed = wishes.entrypoint.as_ref();
    let entrypoint = typed.unwrap_or(&image.entrypoint);
    let arguments = if wishes.command.is_empty() && typed.is_none() { &image.cmd } else { &wishes.command };
    let args: Vec<String> = entrypoint.iter().chain(arguments).cloned().collect();
    match args.first() {
        None => Err(Error::usage("no command: neither the image nor the command line names one")
            .hint("write it behind the image: tare run IMAGE COMMAND")),
        Some(first) if first.is_empty() => Err(Error::usage("the command is an empty word").hint("write a program behind the image")),
        Some(_) => Ok(args),
    }
}

/// Programs that insist on being pid 1, or do there what our reaper does. Two reapers would only cost, and systemd and
/// s6 refuse to run as any other process.
pub fn known_init(args: &[String]) -> bool {
    const NAMES: &[&str] = &[
        "systemd",
        "tini",
        "tini-static",
        "docker-init",
        "dumb-init",
        "catatonit",
        "runit",
        "runit-init",
        "s6-svscan",
        "s6-overlay-suexec",
        "pid1",
        "openrc-init",
        "finit",
        "my_init",
        "pause",
    ];
    let Some(first) = args.first() else { return false };
    // By their full path only: a program may well be called init without being one.
    const PATHS: &[&str] = &["/init", "/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd"];
    PATHS.contains(&first.as_str()) || first.rsplit('/').next().is_some_and(|name| NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Typed entrypoint (`None`: not typed) and command, the image's entrypoint and command; all as words.
    fn merged(typed: Option<&str>, command_typed: &str, entrypoint: &str, cmd: &str) -> Option<String> {
        let wishes = Wishes { entrypoint: typed.map(words), command: words(command_typed), ..Wishes::default() };
        let image = ImageWords { entrypoint: words(entrypoint), cmd: words(cmd), ..ImageWords::default() };
        command(&wishes, &image).ok().map(|args| args.join(" "))
    }

    #[test]
    fn entrypoint_and_command_are_merged_as_docker_does() {
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(merged(None, "", "", "sh"), is("sh"));
        assert_eq!(merged(None, "ls -l", "", "sh"), is("ls -l"));
        assert_eq!(merged(None, "", "/e x", "a b"), is("/e x a b"));
        assert_eq!(merged(None, "c", "/e x", "a b"), is("/e x c"));
        assert_eq!(merged(Some("/n"), "", "/e x", "a b"), is("/n"));
        assert_eq!(merged(Some("/n"), "c", "/e x", "a b"), is("/n c"));
        assert_eq!(merged(Some(""), "c", "/e x", "a b"), is("c"));
        assert_eq!(merged(Some(""), "", "/e x", "a b"), None);
        assert_eq!(merged(None, "", "", ""), None);
    }

    #[test]
    fn images_with_an_init_of_their_own_are_recognised() {
        for args in
            ["/init", "/sbin/init", "tini -- app", "/usr/bin/dumb-init app", "/lib/systemd/systemd", "/sbin/docker-init -- x", "catatonit"]
        {
            assert!(known_init(&words(args)), "{args}");
        }
        for args in ["", "sh", "init", "/app/init", "/bin/sh /init", "systemd-analyze"] {
            assert!(!known_init(&words(args)), "{args}");
        }
    }
}
