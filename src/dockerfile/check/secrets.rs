//! Secrets in variables: everybody who has the image can read them.

use super::{Hit, MOST, Rule};
use crate::dockerfile::instruction::Instruction;

const TELLING: &[&str] = &["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];

pub const SECRETS_USED_IN_ARG_OR_ENV: Rule = Rule {
    name: "SecretsUsedInArgOrEnv",
    sentence: "secrets are given to a RUN by --mount=type=secret: ARG and ENV stay in the image",
    find: |seen| {
        let mut hits = Vec::new();
        for (item, have) in seen.items.iter().enumerate() {
            let names: Vec<&String> = match &have.line.instruction {
                Instruction::Arg(all) => all.iter().map(|(name, _)| name).collect(),
                Instruction::Env(all) => all.iter().map(|(name, _)| name).collect(),
                _ => continue,
            };
            for name in names.into_iter().filter(|name| tells(name)).take(MOST) {
                let message = format!("{name} sounds like a secret, and {} is readable in the image", have.line.instruction.name());
                // Names are found behind the instruction's own.
                let at = have.whole.text.match_indices(name.as_str()).map(|(at, _)| at).find(|at| *at > 0).unwrap_or(0);
                hits.push(Hit { item, at, message });
            }
        }
        hits
    },
};

/// By one of the words it is made of. Public ones are no secrets, and neither are the name of a file and a version.
fn tells(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split('_').collect();
    let is_harmless = words.contains(&"public") || matches!(words.last(), Some(&"file" | &"version"));
    !is_harmless && words.iter().any(|word| TELLING.contains(word))
}

#[cfg(test)]
#[test]
fn names_of_secrets_tell_it() {
    for name in ["SECRET_PASSPHRASE", "SUPER_Secret", "password", "super_secret_token", "auth", "apikey", "git_key"] {
        assert!(tells(name), "{name}");
    }
    for name in ["sunflower", "PUBLIC_KEY", "public_token", "SECRET_PASSPHRASE_FILE", "password_File", "AUTH_MODULE_VERSION", "keyboard"] {
        assert!(!tells(name), "{name}");
    }
}
