//! Everything that can be wrong with a store, and in which words it is told.

/// In the order in which it is put right: what goes first takes some of the rest along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    // Containers.
    MonitorLost,
    CutOff,
    Unattended,
    NoRecord,
    HalfRemoved,
    LeftRunDirectory,
    LeftGone,
    DamagedRecord,
    NewerRecord,
    NoSpec,
    NoLayer,
    // Their processes and control groups.
    Processes,
    Group,
    // Their names.
    NameToNowhere,
    NameOfAnother,
    NameLost,
    // Volumes.
    VolumeHalfMade,
    VolumeHalfFilled,
    VolumeHalfRemoved,
    VolumeOfNobody,
    VolumeWithoutRecord,
    NewerVolume,
    // Networks.
    PlaceOfNobody,
    BridgeGone,
    RulesGone,
    // Images.
    Workplace,
    StepsInDoubt,
    StepGone,
    BlobOfNobody,
    LayerOfNobody,
    LayerGone,
    DamagedList,
    DamagedImage,
    BlobGone,
    BlobDamaged,
    // Files.
    Scrap,
    PidFile,
    IdsOfNobody,
    Stranger,
}

/// Who looks for it and puts it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Containers,
    Processes,
    Names,
    Volumes,
    Networks,
    Images,
    Files,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrong {
    pub what: What,
    /// What a program knows it by: an id, a name, a path.
    pub which: String,
    /// What a person knows it by: `container web`.
    pub shown: String,
    /// The container that a name leads to: one that goes from hand to hand is another thing each time.
    pub of: String,
}

impl Wrong {
    pub fn new(what: What, which: impl Into<String>, shown: impl Into<String>) -> Wrong {
        Wrong { what, which: which.into(), shown: shown.into(), of: String::new() }
    }
    pub fn of(self, id: impl Into<String>) -> Wrong {
        Wrong { of: id.into(), ..self }
    }
    /// `container web: its monitor was killed`
    pub fn story(&self) -> String {
        format!("{}: {}", self.shown, self.what.words().0)
    }
}

impl What {
    pub fn room(self) -> Room {
        use What::*;
        match self {
            MonitorLost | CutOff | Unattended | NoRecord | HalfRemoved | LeftRunDirectory | LeftGone | DamagedRecord | NewerRecord
            | NoSpec | NoLayer => Room::Containers,
            Processes | Group => Room::Processes,
            NameToNowhere | NameOfAnother | NameLost => Room::Names,
            VolumeHalfMade | VolumeHalfFilled | VolumeHalfRemoved | VolumeOfNobody | VolumeWithoutRecord | NewerVolume => Room::Volumes,
            PlaceOfNobody | BridgeGone | RulesGone => Room::Networks,
            Workplace | StepsInDoubt | StepGone | BlobOfNobody | LayerOfNobody | LayerGone | DamagedList | DamagedImage | BlobGone
            | BlobDamaged => Room::Images,
            Scrap | PidFile | IdsOfNobody | Stranger => Room::Files,
        }
    }

    pub fn needs_a_person(self) -> bool {
        use What::*;
        matches!(
            self,
            DamagedRecord | NewerRecord | NoSpec | NoLayer | NewerVolume | DamagedList | DamagedImage | BlobGone | BlobDamaged | Stranger
        )
    }

    /// What is wrong; and what was done about it, or what a person can do.
    pub fn words(self) -> (&'static str, &'static str) {
        use What::*;
        match self {
            MonitorLost => ("its monitor was killed", "ended, and written down"),
            CutOff => ("its start was cut off", "written down as ended"),
            Unattended => ("it is said to run, and nobody runs it", "written down as ended"),
            NoRecord => ("there is no record of it", "removed"),
            HalfRemoved => ("half removed", "removed"),
            LeftRunDirectory => ("it rests, and its run directory is still there", "run directory removed"),
            LeftGone => ("its run directory was half removed", "removed"),
            DamagedRecord => ("its record is damaged", "tare rm -f removes it"),
            NewerRecord => ("a newer version of tare has written its record", "use that version"),
            NoSpec => ("its config.json is gone", "it cannot be started any more: tare rm removes it"),
            NoLayer => ("a layer below it is gone", "load its image again"),
            Processes => ("nobody watches its processes", "ended"),
            Group => ("it has no container", "removed"),
            NameToNowhere => ("it leads nowhere", "removed"),
            NameOfAnother => ("it leads to a container of another name", "removed"),
            NameLost => ("its name does not lead to it", "name given back"),
            VolumeHalfMade => ("half made", "removed"),
            VolumeHalfFilled => ("its first filling was cut off", "what was filled in removed"),
            VolumeHalfRemoved => ("a volume that is half removed", "removed"),
            VolumeOfNobody => ("the container that it should end with is gone", "removed"),
            VolumeWithoutRecord => ("its record is lost", "record written again"),
            NewerVolume => ("a newer version of tare has written its record", "use that version"),
            PlaceOfNobody => ("an address or a name there belongs to a container that is gone", "given back"),
            BridgeGone => ("its bridge is gone, or a container is cut off from it", "made and plugged in again"),
            RulesGone => ("the kernel has lost some of them", "made again"),
            Workplace => ("an image that was being made, left by a command that was killed", "removed"),
            StepsInDoubt => ("the machine went down before the disk had them", "kept where an image has them, else removed"),
            StepGone => ("what it has made is not all there", "forgotten"),
            BlobOfNobody => ("no image has it", "removed"),
            LayerOfNobody => ("no image and no container has it", "removed"),
            LayerGone => ("its unpacked files are gone", "unpacked again"),
            DamagedList => ("it cannot be read", "restore image/index.json, or remove it and load the images again"),
            DamagedImage => ("its config or manifest is gone or damaged", "remove it, and load it again"),
            BlobGone => ("a layer as it came is gone", "it runs, but cannot be saved: load it again"),
            BlobDamaged => ("its content is not what its digest says", "remove the images that have it, and load them again"),
            Scrap => ("a record that was never finished", "removed"),
            PidFile => ("names a process that has ended", "removed"),
            IdsOfNobody => ("ids of this host that belong to a container that is gone", "given back"),
            Stranger => ("nobody knows what it is", "look at it, and remove it"),
        }
    }
}
