//! The functions of templates: Go's own and those that Docker adds.

use serde_json::Value;

type Result<T> = std::result::Result<T, String>;

/// Padding and widths beyond this are a mistake.
const WIDEST: i64 = 4096;
/// Longer texts are not split, nor longer ones joined: what comes of it takes many times their room.
const LONGEST: usize = 1 << 20;

pub fn call(name: &str, arguments: &[Value]) -> Result<Value> {
    let wrong = |need: &str| Err(format!("{name} needs {need}"));
    let made = match (name, arguments) {
        ("json", [value]) => Value::String(value.to_string()),
        ("upper", [value]) => Value::String(text(value).to_uppercase()),
        ("lower", [value]) => Value::String(text(value).to_lowercase()),
        ("title", [value]) => Value::String(title(&text(value))),
        ("split", [value, separator]) => split(&text(value), &text(separator))?,
        ("join", [Value::Array(items), separator]) => join(items, &text(separator))?,
        ("join", [Value::Null, _]) => Value::String(String::new()),
        ("join", _) => return wrong("a list and a separator"),
        ("truncate", [value, Value::Number(length)]) => {
            Value::String(text(value).chars().take(length.as_u64().unwrap_or(0) as usize).collect())
        }
        ("pad", [value, before, after]) => pad(&text(value), before, after)?,
        ("print", values) => Value::String(values.iter().map(text).collect::<Vec<_>>().join(" ")),
        ("println", values) => Value::String(values.iter().map(text).collect::<Vec<_>>().join(" ") + "\n"),
        ("printf", [Value::String(format), values @ ..]) => Value::String(printf(format, values)?),
        ("len", [value]) => length(value)?,
        ("index", [value, keys @ ..]) => index(value, keys)?,
        ("slice", [value, bounds @ ..]) => slice(value, bounds)?,
        // Those that decide early were left already; what remains is the last.
        ("and" | "or", [.., last]) => last.clone(),
        ("not", [value]) => Value::Bool(!is_true(value)),
        ("eq", [first, others @ ..]) if !others.is_empty() => Value::Bool(others.iter().any(|other| equal(first, other))),
        ("ne", [one, other]) => Value::Bool(!equal(one, other)),
        ("lt" | "le" | "gt" | "ge", [one, other]) => Value::Bool(compare(name, one, other)?),
        ("html" | "js" | "urlquery" | "call", _) => return Err(format!("function {name} is not supported here")),
        (
            "json" | "upper" | "lower" | "title" | "split" | "truncate" | "pad" | "printf" | "len" | "index" | "slice" | "and" | "or"
            | "not" | "eq" | "ne" | "lt" | "le" | "gt" | "ge",
            given,
        ) => return wrong(&format!("other arguments than {}", given.iter().map(Value::to_string).collect::<Vec<_>>().join(" "))),
        _ => return Err(format!("function {name:?} not defined")),
    };
    Ok(made)
}

/// As Go's `print` writes it.
pub fn text(value: &Value) -> String {
    let mut made = String::new();
    print(value, &mut made);
    made
}

pub fn print(value: &Value, output: &mut String) {
    match value {
        Value::Null => output.push_str("<no value>"),
        Value::String(text) => output.push_str(text),
        Value::Bool(_) | Value::Number(_) => output.push_str(&value.to_string()),
        Value::Array(items) => {
            output.push('[');
            for (index, item) in items.iter().enumerate() {
                output.push_str(if index == 0 { "" } else { " " });
                print(item, output);
            }
            output.push(']');
        }
        Value::Object(fields) => {
            output.push_str("map[");
            for (index, (key, item)) in fields.iter().enumerate() {
                output.push_str(if index == 0 { "" } else { " " });
                output.push_str(key);
                output.push(':');
                print(item, output);
            }
            output.push(']');
        }
    }
}

/// About how many bytes a value takes.
pub fn weight(value: &Value) -> usize {
    const ITSELF: usize = size_of::<Value>();
    ITSELF
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(fields) => fields.iter().map(|(key, value)| ITSELF + key.len() + weight(value)).sum(),
        }
}

/// Nothing, zero and what is empty are false.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// The heading of a column of one label: its last word.
pub fn heading_of_label(label: &str) -> String {
    label.rsplit('.').next().unwrap_or(label).replace(['-', '_'], " ")
}

fn title(text: &str) -> String {
    let mut begins = true;
    let letter = |letter: char| {
        let upper: String = if begins { letter.to_uppercase().collect() } else { letter.to_string() };
        begins = !letter.is_alphanumeric();
        upper
    };
    text.chars().map(letter).collect()
}

fn split(text: &str, separator: &str) -> Result<Value> {
    if text.len() > LONGEST {
        return Err(format!("text of {} bytes is too long to be split", text.len()));
    }
    let part = |part: &str| Value::String(part.to_owned());
    if separator.is_empty() {
        return Ok(Value::Array(text.chars().map(|letter| Value::String(letter.to_string())).collect()));
    }
    Ok(Value::Array(text.split(separator).map(part).collect()))
}

fn join(items: &[Value], separator: &str) -> Result<Value> {
    if items.len().saturating_mul(separator.len()) > LONGEST {
        return Err(format!("{} items are too many to be joined by {} bytes", items.len(), separator.len()));
    }
    Ok(Value::String(items.iter().map(text).collect::<Vec<_>>().join(separator)))
}

/// Nothing stays nothing.
fn pad(text: &str, before: &Value, after: &Value) -> Result<Value> {
    let spaces = |count: &Value| count.as_i64().filter(|count| (0..=WIDEST).contains(count)).ok_or(format!("bad width {count}"));
    let (before, after) = (spaces(before)?, spaces(after)?);
    if text.is_empty() {
        return Ok(Value::String(String::new()));
    }
    Ok(Value::String(format!("{}{text}{}", " ".repeat(before as usize), " ".repeat(after as usize))))
}

fn length(value: &Value) -> Result<Value> {
    match value {
        Value::String(text) => Ok(text.len().into()),
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(fields) => Ok(fields.len().into()),
        Value::Null => Ok(0.into()),
        other => Err(format!("len of {other}")),
    }
}

/// A word that a map does not have gives empty text, as Go's maps of text do.
fn index(value: &Value, keys: &[Value]) -> Result<Value> {
    let mut value = value;
    for key in keys {
        value = match (value, key) {
            (Value::Array(items), Value::Number(number)) => {
                let found = number.as_u64().and_then(|number| items.get(number as usize));
                found.ok_or_else(|| format!("index out of range: {number}"))?
            }
            (Value::Object(fields), Value::String(name)) => match fields.get(name) {
                Some(found) => found,
                None => return Ok(Value::String(String::new())),
            },
            (Value::Null, _) => return Ok(Value::String(String::new())),
            (value, key) => return Err(format!("can't index {} with {key}", text(value))),
        };
    }
    Ok(value.clone())
}

fn slice(value: &Value, bounds: &[Value]) -> Result<Value> {
    let length = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        _ => return Err("only text and lists can be sliced".to_owned()),
    };
    let bound = |index: usize, usual: usize| match bounds.get(index) {
        None => Ok(usual),
        Some(bound) => {
            bound.as_u64().map(|bound| bound as usize).filter(|bound| *bound <= length).ok_or(format!("index out of range: {bound}"))
        }
    };
    let (start, end) = (bound(0, 0)?, bound(1, length)?);
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    match value {
        Value::String(text) => text.get(start..end).map(Value::from).ok_or_else(|| "a letter would be cut apart".to_owned()),
        Value::Array(items) => Ok(Value::Array(items[start..end].to_vec())),
        _ => unreachable!("looked at above"),
    }
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn compare(name: &str, one: &Value, other: &Value) -> Result<bool> {
    let order = match (one, other) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => one.as_f64().zip(other.as_f64()).and_then(|(one, other)| one.partial_cmp(&other)),
    };
    let order = order.ok_or_else(|| "incompatible types for comparison".to_owned())?;
    Ok(match name {
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// `%s %v %d %q %x %t %f %%`, with `-`, `0`, width and precision.
fn printf(format: &str, values: &[Value]) -> Result<String> {
    let mut made = String::new();
    let mut values = values.iter();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            made.push(letter);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = letters.next_if(|letter| "-0+".contains(*letter)) {
            flags.push(flag);
        }
        let mut digits = || std::iter::from_fn(|| letters.next_if(char::is_ascii_digit)).collect::<String>();
        let width = digits();
        let precision = if letters.next_if_eq(&'.').is_some() {
            let digits: String = std::iter::from_fn(|| letters.next_if(char::is_ascii_digit)).collect();
            Some(bounded(&digits)?)
        } else {
            None
        };
        let verb = letters.next().ok_or("printf: a letter is missing behind %")?;
        if verb == '%' {
            made.push('%');
            continue;
        }
        let Some(value) = values.next() else { return Err(format!("printf: a value is missing for %{verb}")) };
        made.push_str(&padded(&formatted(verb, value, precision)?, &flags, bounded(&width)?));
    }
    Ok(made)
}

fn bounded(digits: &str) -> Result<usize> {
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse::<usize>().ok().filter(|width| *width <= WIDEST as usize).ok_or_else(|| format!("printf: bad width {digits}"))
}

fn formatted(verb: char, value: &Value, precision: Option<usize>) -> Result<String> {
    let cut = |text: String| precision.map_or(text.clone(), |precision| text.chars().take(precision).collect());
    Ok(match (verb, value) {
        ('s' | 'v', value) => cut(text(value)),
        ('q', value) => format!("{:?}", text(value)),
        ('d', Value::Number(number)) if !number.is_f64() => number.to_string(),
        ('x', Value::Number(number)) if number.is_u64() => format!("{:x}", number.as_u64().unwrap_or(0)),
        ('x', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('t', Value::Bool(is)) => is.to_string(),
        ('f', Value::Number(number)) => format!("{:.*}", precision.unwrap_or(6), number.as_f64().unwrap_or(0.0)),
        (verb, value) => return Err(format!("printf: %{verb} does not fit {}", text(value))),
    })
}

fn padded(text: &str, flags: &str, width: usize) -> String {
    if flags.contains('-') {
        format!("{text:<width$}")
    } else if flags.contains('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{text:0>width$}")
    } else {
        format!("{text:>width$}")
    }
}
