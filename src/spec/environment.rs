//! The environment of a container's processes: defaults, what the image sets, what was wished, each winning over the one before.

/// Where programs are looked for when neither image nor user says so; Docker's, because images rely on it.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// HOME is not among them: it comes from the container's /etc/passwd, once the user is found there.
/// `further` are the defaults of one kind of container.
pub fn environment(hostname: &str, terminal: bool, further: &[String], image: &[String], wished: &[String]) -> Vec<String> {
    let mut all = Vec::with_capacity(4 + further.len() + image.len() + wished.len());
    all.push(PATH.to_owned());
    all.push(format!("HOSTNAME={hostname}"));
    if terminal {
        all.push("TERM=xterm".to_owned());
    }
    all.extend_from_slice(further);
    change(&mut all, image);
    change(&mut all, wished);
    all
}

/// Sets each variable, in its old place where it has one. A bare name takes the variable away.
pub fn change(all: &mut Vec<String>, changes: &[String]) {
    for change in changes {
        let name = name_of(change);
        let place = all.iter().position(|known| name_of(known) == name);
        match (place, change.contains('=')) {
            (Some(place), true) => change.clone_into(&mut all[place]),
            (Some(place), false) => drop(all.remove(place)),
            (None, true) => all.push(change.clone()),
            (None, false) => {}
        }
    }
}

fn name_of(variable: &str) -> &str {
    variable.split_once('=').map_or(variable, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn wishes_win_over_the_image_and_the_image_over_defaults() {
        let all = environment("box", true, &list("A=0 X=1"), &list("PATH=/bin A=1 B=2"), &list("B=3 C=4 TERM=vt100"));
        assert_eq!(all, list("PATH=/bin HOSTNAME=box TERM=vt100 A=1 X=1 B=3 C=4"));
    }

    #[test]
    fn a_bare_name_takes_a_variable_away() {
        assert_eq!(environment("box", false, &[], &list("A=1"), &list("A PATH NOPE")), list("HOSTNAME=box"));
    }

    #[test]
    fn without_a_terminal_there_is_no_term() {
        assert!(!environment("box", false, &[], &[], &[]).iter().any(|variable| variable.starts_with("TERM")));
    }
}
