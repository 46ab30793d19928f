//! WORKDIR: the image's settings name it, and where it is missing it is made.

use crate::build::files;
use crate::build::stage::Working;
use crate::build::steps::{Outcome, known_or_made, open_to_write};
use crate::dockerfile::{Instruction, settings};
use crate::error::{Context, Result};

pub fn workdir(working: &mut Working, path: String) -> Result<Outcome> {
    settings::apply(working.state.config_mut(), &Instruction::Workdir(path), false)?;
    let whole = working.state.text("WorkingDir").unwrap_or_else(|| "/".to_owned());
    let text = format!("WORKDIR {whole}");
    // Whoever the steps are run by shall be able to work there.
    let user = working.state.text("User").unwrap_or_default();
    let key = working.state.key.then(&[&text, &user]);
    if whole == "/" {
        working.state.key = key;
        working.state.told(text, false);
        return Ok(Outcome::Made);
    }
    let outcome = known_or_made(working, key, &text, |working, upper| {
        let root = open_to_write(working, upper)?;
        let owner = if user.is_empty() { (0, 0) } else { files::owner(&user, Some(&root))? };
        files::make_directory(&root, &whole, owner).with_context(|| format!("cannot make {whole}"))
    })?;
    working.state.told(text, true);
    Ok(outcome)
}
