//! Blobs and layers that nobody has or that an image misses, and what killed loads have left.

use super::{What, Wrong};
use crate::engine::images;
use crate::error::Result;
use crate::image::faults::{self, Fault};
use crate::paths::Paths;
use std::path::Path;

pub fn look(paths: &Paths) -> Result<Vec<Wrong>> {
    Ok(faults::look(paths, &|| images::users(paths))?.into_iter().map(told).collect())
}

pub fn look_deep(paths: &Paths) -> Result<Vec<Wrong>> {
    Ok(faults::look_deep(paths)?.into_iter().map(told).collect())
}

fn told(fault: Fault) -> Wrong {
    match fault {
        Fault::Workplace(path) => {
            let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            Wrong::new(What::Workplace, path, format!("unfinished/{name}"))
        }
        Fault::BlobOfNobody(hex) => Wrong::new(What::BlobOfNobody, &hex, format!("blob {hex:.12}")),
        Fault::LayerOfNobody(hex) => Wrong::new(What::LayerOfNobody, &hex, format!("layer {hex:.12}")),
        Fault::LayerGone(hex) => Wrong::new(What::LayerGone, &hex, format!("layer {hex:.12}")),
        Fault::DamagedList => Wrong::new(What::DamagedList, "", "the list of images"),
        Fault::DamagedImage(image) => Wrong::new(What::DamagedImage, &image, format!("image {image}")),
        Fault::BlobGone(image, hex) => Wrong::new(What::BlobGone, &hex, format!("image {image}, layer {hex:.12}")),
        Fault::StepGone(key) => Wrong::new(What::StepGone, &key, format!("build step {key:.12}")),
        Fault::StepsInDoubt(life) => Wrong::new(What::StepsInDoubt, life, "build steps"),
        Fault::BlobDamaged(hex) => Wrong::new(What::BlobDamaged, &hex, format!("blob {hex:.12}")),
    }
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let which = wrong.which.clone();
    let fault = match wrong.what {
        What::Workplace => Fault::Workplace(which),
        What::BlobOfNobody => Fault::BlobOfNobody(which),
        What::LayerOfNobody => Fault::LayerOfNobody(which),
        What::LayerGone => Fault::LayerGone(which),
        What::StepGone => Fault::StepGone(which),
        What::StepsInDoubt => Fault::StepsInDoubt(which),
        _ => return Ok(false),
    };
    faults::mend(paths, &fault, &|| images::users(paths))
}
