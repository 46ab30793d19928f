//! Device rules as a program for the kernel: for each access it says yes or no.
//!
//! The kernel hands the program a context of three numbers: kind and access, major, minor. The rules are tried from the last
//! to the first, because a later rule overrides an earlier one; where none fits, the answer is no.

use crate::error::{Error, Result};
use crate::sys::device_filter::Instruction;
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

// Registers: 1 holds the context, 2 the kind, 3 the access, 4 major, 5 minor; 0 is the answer, 6 a scratch.
const LOAD_32: u8 = 0x61;
const AND_32: u8 = 0x54;
const SHIFT_RIGHT_32: u8 = 0x74;
const MOVE_32: u8 = 0xbc;
const SET_64: u8 = 0xb7;
const JUMP_UNLESS_EQUAL: u8 = 0x55;
const JUMP_UNLESS_SAME: u8 = 0x5d;
const JUMP_IF_EQUAL: u8 = 0x15;
const EXIT: u8 = 0x95;

const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MAKE: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

fn step(code: u8, destination: u8, source: u8, offset: i16, constant: i32) -> Instruction {
    Instruction { code, registers: destination | source << 4, offset, constant }
}

pub fn program(rules: &[LinuxDeviceCgroup]) -> Result<Vec<Instruction>> {
    let mut program = vec![
        step(LOAD_32, 2, 1, 0, 0),
        step(MOVE_32, 3, 2, 0, 0),
        step(AND_32, 2, 0, 0, 0xffff),
        step(SHIFT_RIGHT_32, 3, 0, 0, 16),
        step(LOAD_32, 4, 1, 4, 0),
        step(LOAD_32, 5, 1, 8, 0),
    ];
    for rule in rules.iter().rev() {
        let answer = [step(SET_64, 0, 0, 0, i32::from(rule.allow())), step(EXIT, 0, 0, 0, 0)];
        let conditions = conditions(rule)?;
        let fits_always = conditions.is_empty();
        let total = conditions.len() + answer.len();
        for (index, mut condition) in conditions.into_iter().enumerate() {
            if matches!(condition.code, JUMP_UNLESS_EQUAL | JUMP_UNLESS_SAME | JUMP_IF_EQUAL) {
                // To the first instruction behind this rule.
                condition.offset = (total - index - 1) as i16;
            }
            program.push(condition);
        }
        program.extend(answer);
        if fits_always {
            // The kernel refuses a program with instructions that nothing reaches.
            return Ok(program);
        }
    }
    program.extend([step(SET_64, 0, 0, 0, 0), step(EXIT, 0, 0, 0, 0)]);
    Ok(program)
}

fn conditions(rule: &LinuxDeviceCgroup) -> Result<Vec<Instruction>> {
    let mut conditions = Vec::new();
    match rule.typ().unwrap_or(LinuxDeviceType::A) {
        LinuxDeviceType::A => {}
        LinuxDeviceType::B => conditions.push(step(JUMP_UNLESS_EQUAL, 2, 0, 0, BLOCK)),
        LinuxDeviceType::C | LinuxDeviceType::U => conditions.push(step(JUMP_UNLESS_EQUAL, 2, 0, 0, CHARACTER)),
        LinuxDeviceType::P => return Err(Error::cannot_keep("cannot guard a fifo").because("it is no device")),
    }
    let access = access(rule)?;
    if access != MAKE | READ | WRITE {
        conditions.extend([step(MOVE_32, 6, 3, 0, 0), step(AND_32, 6, 0, 0, access)]);
        // A yes must cover every access that is asked for at once; a no is meant for any of them.
        conditions.push(if rule.allow() { step(JUMP_UNLESS_SAME, 6, 3, 0, 0) } else { step(JUMP_IF_EQUAL, 6, 0, 0, 0) });
    }
    for (register, number) in [(4, rule.major()), (5, rule.minor())] {
        if let Some(number) = number.filter(|number| *number >= 0) {
            let number = i32::try_from(number).map_err(|_| Error::usage(format!("device number {number} is too large")))?;
            conditions.push(step(JUMP_UNLESS_EQUAL, register, 0, 0, number));
        }
    }
    Ok(conditions)
}

fn access(rule: &LinuxDeviceCgroup) -> Result<i32> {
    let Some(text) = rule.access().as_deref().filter(|text| !text.is_empty()) else { return Ok(MAKE | READ | WRITE) };
    text.chars().try_fold(0, |all, letter| match letter {
        'r' => Ok(all | READ),
        'w' => Ok(all | WRITE),
        'm' => Ok(all | MAKE),
        other => Err(Error::usage(format!("unknown device access {other:?} in {text:?}")).hint("use some of r, w and m")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executes a program as the kernel would.
    fn answer(program: &[Instruction], kind: i32, access: i32, major: i32, minor: i32) -> bool {
        let context = [kind | access << 16, major, minor];
        let mut registers = [0i64; 11];
        let mut at = 0usize;
        loop {
            let i = program[at];
            let (d, s) = (usize::from(i.registers & 15), usize::from(i.registers >> 4));
            at += 1;
            match i.code {
                LOAD_32 => registers[d] = i64::from(context[i.offset as usize / 4]),
                AND_32 => registers[d] &= i64::from(i.constant),
                SHIFT_RIGHT_32 => registers[d] >>= i.constant,
                MOVE_32 => registers[d] = registers[s],
                SET_64 => registers[d] = i64::from(i.constant),
                JUMP_UNLESS_EQUAL if registers[d] != i64::from(i.constant) => at += i.offset as usize,
                JUMP_UNLESS_SAME if registers[d] != registers[s] => at += i.offset as usize,
                JUMP_IF_EQUAL if registers[d] == i64::from(i.constant) => at += i.offset as usize,
                JUMP_UNLESS_EQUAL | JUMP_UNLESS_SAME | JUMP_IF_EQUAL => {}
                EXIT => return registers[0] != 0,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    fn of(json: &str) -> Vec<Instruction> {
        program(&serde_json::from_str::<Vec<LinuxDeviceCgroup>>(json).unwrap()).unwrap()
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let none = of("[]");
        assert!(!answer(&none, CHARACTER, READ, 1, 3));
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let rules = of(r#"[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},
            {"allow":true,"type":"b","access":"m"},{"allow":false,"type":"c","major":1,"minor":3,"access":"w"}]"#);
        assert!(answer(&rules, CHARACTER, READ, 1, 3));
        assert!(!answer(&rules, CHARACTER, WRITE, 1, 3));
        assert!(!answer(&rules, CHARACTER, READ | WRITE, 1, 3), "writing was taken away, and reading and writing at once is writing");
        assert!(!answer(&rules, CHARACTER, READ, 1, 5));
        assert!(!answer(&rules, BLOCK, READ, 8, 0));
        assert!(answer(&rules, BLOCK, MAKE, 8, 0));
    }

    #[test]
    fn all_means_all() {
        let all = of(r#"[{"allow":true,"access":"rwm"}]"#);
        assert!(answer(&all, BLOCK, READ | WRITE | MAKE, 8, 1));
    }

    #[test]
    fn an_unknown_access_is_refused() {
        assert!(program(&serde_json::from_str::<Vec<LinuxDeviceCgroup>>(r#"[{"allow":true,"access":"rx"}]"#).unwrap()).is_err());
    }
}
