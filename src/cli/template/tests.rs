//! Promises about templates, each as one would type it.

use super::*;
use serde_json::json;

fn value() -> Value {
    json!({
        "Id": "0123456789abcdef", "Names": "web1", "Size": 42, "Up": true, "Empty": "", "Nothing": null, "Ratio": 1.5,
        "Config": {"Labels": {"a.b": "c", "tier": "front"}, "Env": ["A=1", "B=2"], "Cmd": []},
        "Mounts": [{"Source": "/a", "RW": true}, {"Source": "/b", "RW": false}],
    })
}

fn render(template: &str) -> String {
    Template::new(template).and_then(|template| template.render(&value())).unwrap_or_else(|e| format!("ERROR {e}"))
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        assert_eq!(render(template), *expected, "{template}");
    }
}

#[test]
fn fields_are_printed_as_go_prints_them() {
    check(&[
        ("plain", "plain"),
        ("{{.Names}} {{ .Size }}", "web1 42"),
        ("{{.ID}}", "0123456789abcdef"),
        ("{{.Config.Env}}", "[A=1 B=2]"),
        ("{{.Config.Labels}}", "map[a.b:c tier:front]"),
        ("{{.Nothing}} {{.Up}} {{.Ratio}}", "<no value> true 1.5"),
        ("{{.Config.Labels.tier}} {{.Config.Labels.nope}}", "front <no value>"),
        ("{{$.Names}}", "web1"),
    ]);
}

#[test]
fn functions_of_docker_are_there() {
    check(&[
        ("{{json .Config.Env}}", r#"["A=1","B=2"]"#),
        ("{{json .Names}}{{json .Nothing}}", r#""web1"null"#),
        ("{{upper .Names}} {{lower \"ABC\"}} {{title \"hello world\"}}", "WEB1 abc Hello World"),
        ("{{join .Config.Env \", \"}}", "A=1, B=2"),
        ("{{index (split \"a:b:c\" \":\") 1}}", "b"),
        ("{{truncate .Id 5}}|{{pad .Names 1 2}}|{{pad .Empty 1 2}}", "01234| web1  |"),
        ("{{println .Names}}x", "web1\nx"),
        (
            "{{printf \"%-6s|%6s|%03d|%q|%.2f|%5.1f|%v|%%\" .Names .Names 7 .Names .Ratio .Ratio .Up}}",
            "web1  |  web1|007|\"web1\"|1.50|  1.5|true|%",
        ),
        ("{{len .Mounts}} {{len .Names}} {{slice .Id 0 4}} {{slice .Config.Env 1}}", "2 4 0123 [B=2]"),
        ("{{index .Config.Labels \"a.b\"}}{{index .Config.Labels \"nope\"}}", "c"),
        ("{{(index .Mounts 1).Source}}", "/b"),
    ]);
}

#[test]
fn pipelines_hand_on_the_last_argument() {
    check(&[
        ("{{.Names | upper | printf \"%s-%s\" \"x\"}}", "x-WEB1"),
        ("{{.Config | json}}", r#"{"Cmd":[],"Env":["A=1","B=2"],"Labels":{"a.b":"c","tier":"front"}}"#),
        ("{{ len (join .Config.Env \"\") | printf \"%d\" }}", "6"),
    ]);
}

#[test]
fn conditions_choose() {
    check(&[
        ("{{if .Up}}up{{else}}down{{end}}", "up"),
        ("{{if .Empty}}a{{else if eq .Names \"web1\" }}b{{else}}c{{end}}", "b"),
        ("{{if and .Up (not .Empty) (gt .Size 40)}}yes{{end}}", "yes"),
        ("{{if or .Empty .Config.Cmd}}yes{{else}}no{{end}}", "no"),
        ("{{eq .Size 1 42}} {{ne .Names \"x\"}} {{lt 1 2}} {{ge \"a\" \"b\"}}", "true true true false"),
        ("{{with .Config}}{{.Env}}{{end}}{{with .Empty}}x{{else}}none{{end}}", "[A=1 B=2]none"),
    ]);
}

#[test]
fn loops_go_over_lists_and_maps() {
    check(&[
        ("{{range .Mounts}}{{.Source}}:{{$.Names}} {{end}}", "/a:web1 /b:web1 "),
        ("{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}", "0=A=1;1=B=2;"),
        ("{{range $k, $v := .Config.Labels}}{{$k}}-{{$v}} {{end}}", "a.b-c tier-front "),
        ("{{range .Config.Cmd}}x{{else}}empty{{end}}", "empty"),
        ("{{range .Mounts}}{{if not .RW}}{{continue}}{{end}}{{.Source}}{{end}}", "/a"),
        ("{{range .Mounts}}{{.Source}}{{break}}{{end}}", "/a"),
        ("{{$x := .Names}}{{range .Mounts}}{{$x = .Source}}{{end}}{{$x}}", "/b"),
        ("{{with $c := .Config}}{{len $c.Env}}{{end}}", "2"),
    ]);
}

#[test]
fn white_space_and_comments_are_as_in_go() {
    check(&[
        ("a {{- .Size -}} b", "a42b"),
        ("a{{/* nothing }} here */}}b", "ab"),
        ("a {{- /* x */ -}} b", "ab"),
        ("{{\"\\t\"}}|{{`\\t`}}|\\t|{{\"}}\"}}", "\t|\t|\t|}}"),
        ("{{-3}}", "-3"),
    ]);
}

#[test]
fn mistakes_are_explained() {
    for (template, why) in [
        ("{{.Nmaes}}", "there is Names"),
        ("{{.Names.X}}", "can't evaluate field X"),
        ("{{nope .Names}}", "function \"nope\" not defined"),
        ("{{.Names", "not closed"),
        ("{{if .Up}}x", "{{if}} has no {{end}}"),
        ("{{end}}", "{{end}} without"),
        ("{{else}}", "{{else}} without"),
        ("{{range .Size}}{{end}}", "range can't iterate over 42"),
        ("{{}}", "a value is missing"),
        ("{{.Names | }}", "a value is missing"),
        ("{{(.Names}}", "parenthesis is not closed"),
        ("{{.Names)}}", "parenthesis has no opening"),
        ("{{$x}}", "undefined variable $x"),
        ("{{lt .Names 3}}", "incompatible types"),
        ("{{index .Mounts 7}}", "out of range"),
        ("{{printf \"%d\" .Names}}", "%d does not fit"),
        ("{{template \"x\"}}", "not supported"),
        ("{{pad .Names 99999999 1}}", "bad width"),
        ("{{slice .Names 3 1}}", "invalid slice"),
        ("{{upper}}", "upper needs"),
        ("{{\"open}}", "not closed"),
        ("{{ # }}", "unexpected"),
    ] {
        let text = render(template);
        assert!(text.starts_with("ERROR bad template") && text.contains(why), "{template}: {text}");
    }
    assert!(render(&"{{if 1}}".repeat(1000)).contains("nested too deep"));
    assert!(render(&format!("{{{{{}1}}}}", "(".repeat(1000))).contains("nested too deep"));
    assert!(render(&"x".repeat(100_000)).contains("longer than"));
}

#[test]
fn a_template_cannot_double_its_texts_until_the_memory_ends() {
    let doubled = |how: &str| render(&format!("{{{{$x := .Names}}}}{}", format!("{{{{$x = {how}}}}}").repeat(60)));
    assert!(doubled("print $x $x").contains("makes too much"));
    assert!(doubled("printf \"%s%s\" $x $x").contains("makes too much"));
    assert!(doubled("join (split $x \"\") $x").contains("too many to be joined"));
    assert!(doubled("split (print $x $x) \"\"").contains("too"));
    let nested = format!("{}{}", "{{range $.Mounts}}".repeat(40), "{{end}}".repeat(40));
    assert!(render(&nested).contains("makes too much"));
}

#[test]
fn rows_become_lines_tables_or_json() {
    let headings = json!({"ID": "CONTAINER ID", "Names": "NAMES"});
    let labelled = Row { fields: json!({"ID": "1", "Names": "a"}), labels: vec![("x.tier".into(), "front".into())] };
    let rows = [labelled, json!({"ID": "2", "Names": "b"}).into()];
    let made = |format: &str| render_rows(format, "table {{.ID}}\t{{.Names}}", &headings, &rows).unwrap();
    assert_eq!(made(""), "CONTAINER ID   NAMES\n1              a\n2              b\n");
    assert_eq!(made("table"), made("table {{.ID}}\\t{{.Names}}"));
    assert_eq!(made("{{.Names}}!"), "a!\nb!\n");
    assert_eq!(made("json").lines().count(), 2);
    assert_eq!(made("table {{.Names}}\t{{.Label \"x.tier\"}}"), "NAMES     tier\na         front\nb         \n");
}
