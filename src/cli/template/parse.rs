//! The words of a template become a tree: text, values to print, conditions, loops.

use super::lexer::{self, Piece, Token};
use serde_json::Value;

/// Deeper nesting is no template of a person, and every level costs stack.
const DEEPEST: usize = 50;

#[derive(Debug)]
pub enum Node {
    Text(String),
    Print(Pipeline),
    If(Vec<(Pipeline, Vec<Node>)>, Vec<Node>),
    /// Body with `.` set to the value, if there is one.
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range(Loop),
    Break,
    Continue,
}

#[derive(Debug)]
pub struct Loop {
    /// `$index, $element`, or only `$element`, or none.
    pub variables: Vec<String>,
    pub over: Pipeline,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

/// `a | b | c`: each result is the last argument of the next.
#[derive(Debug, Default)]
pub struct Pipeline {
    /// `$x := …`, with whether it is new.
    pub variable: Option<(String, bool)>,
    pub commands: Vec<Vec<Operand>>,
}

#[derive(Debug)]
pub enum Operand {
    Path(Vec<String>),
    Variable(String, Vec<String>),
    Literal(Value),
    Function(String),
    Nested(Pipeline, Vec<String>),
}

pub fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parser = Parser { pieces: lexer::pieces(text)?.into_iter(), depth: 0 };
    match parser.block()? {
        (nodes, End::OfText) => Ok(nodes),
        (_, end) => Err(format!("{end} without a beginning")),
    }
}

struct Parser<'a> {
    pieces: std::vec::IntoIter<Piece<'a>>,
    depth: usize,
}

/// What a block ended with.
enum End {
    OfText,
    Closed,
    /// The tokens behind `else`.
    Else(Vec<Token>),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            End::OfText => "the end",
            End::Closed => "{{end}}",
            End::Else(_) => "{{else}}",
        })
    }
}

impl Parser<'_> {
    fn block(&mut self) -> Result<(Vec<Node>, End), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deep".to_owned());
        }
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let action = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.to_owned()));
                    continue;
                }
                Piece::Action(action) => action,
            };
            let tokens = lexer::tokens(action)?;
            let Some(Token::Word(keyword)) = tokens.first() else {
                nodes.push(Node::Print(pipeline(&tokens, self.depth)?));
                continue;
            };
            let rest = &tokens[1..];
            match keyword.as_str() {
                "end" | "else" => {
                    self.depth -= 1;
                    return Ok((nodes, if keyword == "end" { End::Closed } else { End::Else(rest.to_vec()) }));
                }
                "if" => nodes.push(self.condition(rest)?),
                "with" => nodes.push(self.with(rest)?),
                "range" => nodes.push(self.range(rest)?),
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                "define" | "template" | "block" => return Err(format!("{keyword} is not supported here")),
                _ => nodes.push(Node::Print(pipeline(&tokens, self.depth)?)),
            }
        }
        self.depth -= 1;
        Ok((nodes, End::OfText))
    }

    fn condition(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let mut arms = Vec::new();
        let mut condition = pipeline(tokens, self.depth)?;
        loop {
            let (body, end) = self.block()?;
            arms.push((condition, body));
            match end {
                End::Closed => return Ok(Node::If(arms, Vec::new())),
                End::OfText => return Err("{{if}} has no {{end}}".to_owned()),
                End::Else(rest) => match rest.split_first() {
                    None => return Ok(Node::If(arms, self.last_block("if")?)),
                    Some((Token::Word(word), rest)) if word == "if" => condition = pipeline(rest, self.depth)?,
                    Some(_) => return Err("only if can follow else".to_owned()),
                },
            }
        }
    }

    fn with(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let value = pipeline(tokens, self.depth)?;
        let (body, otherwise) = self.body_and_else("with")?;
        Ok(Node::With(value, body, otherwise))
    }

    fn range(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let (variables, over) = match tokens {
            [Token::Variable(one, _), Token::Declare, rest @ ..] => (vec![one.clone()], rest),
            [Token::Variable(one, _), Token::Comma, Token::Variable(two, _), Token::Declare, rest @ ..] => {
                (vec![one.clone(), two.clone()], rest)
            }
            rest => (Vec::new(), rest),
        };
        let over = pipeline(over, self.depth)?;
        let (body, otherwise) = self.body_and_else("range")?;
        Ok(Node::Range(Loop { variables, over, body, otherwise }))
    }

    fn body_and_else(&mut self, keyword: &str) -> Result<(Vec<Node>, Vec<Node>), String> {
        match self.block()? {
            (body, End::Closed) => Ok((body, Vec::new())),
            (body, End::Else(rest)) if rest.is_empty() => Ok((body, self.last_block(keyword)?)),
            (_, End::Else(_)) => Err(format!("nothing can follow else in {keyword}")),
            (_, End::OfText) => Err(format!("{{{{{keyword}}}}} has no {{{{end}}}}")),
        }
    }

    fn last_block(&mut self, keyword: &str) -> Result<Vec<Node>, String> {
        match self.block()? {
            (nodes, End::Closed) => Ok(nodes),
            (_, end) => Err(format!("{{{{{keyword}}}}}: {end} instead of {{{{end}}}}")),
        }
    }
}

fn pipeline(tokens: &[Token], depth: usize) -> Result<Pipeline, String> {
    let (made, rest) = pipeline_until_close(tokens, depth)?;
    if rest.is_empty() { Ok(made) } else { Err("a closing parenthesis has no opening one".to_owned()) }
}

/// Also returns what stands behind the closing parenthesis that ended it, itself included.
fn pipeline_until_close(tokens: &[Token], depth: usize) -> Result<(Pipeline, &[Token]), String> {
    if depth > DEEPEST {
        return Err("it is nested too deep".to_owned());
    }
    let (variable, mut rest) = match tokens {
        [Token::Variable(name, path), sign @ (Token::Declare | Token::Assign), rest @ ..] if path.is_empty() => {
            (Some((name.clone(), *sign == Token::Declare)), rest)
        }
        rest => (None, rest),
    };
    let mut made = Pipeline { variable, commands: vec![Vec::new()] };
    while let Some((token, after)) = rest.split_first() {
        let command = made.commands.last_mut().expect("there is always a command");
        rest = after;
        match token {
            Token::Close => {
                rest = &tokens[tokens.len() - after.len() - 1..];
                break;
            }
            Token::Pipe if command.is_empty() => return Err("a command is missing before |".to_owned()),
            Token::Pipe => made.commands.push(Vec::new()),
            Token::Path(path) => command.push(Operand::Path(path.clone())),
            Token::Variable(name, path) => command.push(Operand::Variable(name.clone(), path.clone())),
            Token::Literal(value) => command.push(Operand::Literal(value.clone())),
            Token::Word(name) => command.push(Operand::Function(name.clone())),
            Token::Open => {
                let (inner, end) = pipeline_until_close(after, depth + 1)?;
                let Some((_, after)) = end.split_first() else { return Err("a parenthesis is not closed".to_owned()) };
                let (path, after) = match after {
                    [Token::Further(path), after @ ..] => (path.clone(), after),
                    after => (Vec::new(), after),
                };
                command.push(Operand::Nested(inner, path));
                rest = after;
            }
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    if made.commands.last().is_none_or(Vec::is_empty) {
        return Err("a value is missing".to_owned());
    }
    Ok((made, rest))
}
