//! `FROM --platform`.

use super::Rule;
use crate::dockerfile::expand;

pub const REDUNDANT_TARGET_PLATFORM: Rule = Rule {
    name: "RedundantTargetPlatform",
    sentence: "the wanted platform is what FROM takes without being told",
    find: |seen| {
        let with = seen.froms().filter_map(|(item, _, stage)| Some((item, stage.platform.as_deref()?)));
        let same = with.filter(|(_, platform)| ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(platform));
        same.map(|(item, platform)| seen.hit(item, "--platform", format!("--platform={platform} changes nothing"))).collect()
    },
};

pub const FROM_PLATFORM_FLAG_CONST_DISALLOWED: Rule = Rule {
    name: "FromPlatformFlagConstDisallowed",
    sentence: "who builds an image chooses its platform, and not the file",
    find: |seen| {
        let constant = seen.froms().filter_map(|(item, _, stage)| {
            let platform = stage.platform.as_deref().filter(|platform| expand::names(platform, seen.all.escape).is_empty())?;
            // A stage that is named after it exists for it.
            let is_named = stage.name.as_ref().is_some_and(|name| platform.split('/').take(2).any(|part| name.contains(part)));
            let message = format!("the stage is always of {platform}; take it from a variable, or name the stage after it");
            (!is_named).then(|| seen.hit(item, "--platform", message))
        });
        constant.collect()
    },
};
