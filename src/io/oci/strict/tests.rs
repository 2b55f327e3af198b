use serde_json::Value;

use super::super::shape;
use super::*;
use crate::io::oci::Shape;

fn reason(text: &str, shape: &Shape) -> String {
    decode::<Value>(text.as_bytes(), shape).expect_err(text).to_string()
}

#[test]
fn a_key_that_stands_twice_is_refused_at_every_depth() {
    assert!(decode::<Value>(br#"{"layers":[],"annotations":{"a":"1","A":"2"}}"#, &shape::IMAGE).is_ok());
    for text in [
        r#"{"layers":[],"layers":[]}"#,
        r#"{"layers":[],"l\u0061yers":[]}"#,
        r#"{"annotations":{"a":"1","a":"2"}}"#,
        r#"{"unknown":[{"x":{"y":1,"y":1}}]}"#,
    ] {
        assert!(reason(text, &shape::IMAGE).contains("stands twice"), "{text}");
    }
    let many: Vec<String> = (0..40).chain([39]).map(|i| format!("\"k{i}\":0")).collect();
    assert!(reason(&format!("{{{}}}", many.join(",")), &Shape::Any).contains("`k39` stands twice"));
}

#[test]
fn a_key_that_go_takes_for_a_known_one_is_refused() {
    for text in [
        r#"{"Layers":[]}"#,
        r#"{"layerſ":[]}"#,
        r#"{"manifeſts":[]}"#,
        r#"{"layers":[{"Digest":"x"}]}"#,
        r#"{"manifests":[{"platform":{"os":"unknown","OS":"linux"}}]}"#,
        r#"{"manifests":[{"platform":{"os.Version":"x"}}]}"#,
        r#"{"FSLayers":[]}"#,
    ] {
        assert!(reason(text, &shape::IMAGE).contains("would be read as"), "{text}");
    }
    let text = "{\"config\":{\"\u{212a}ey\":1,\"Hostname\":\"\"}}";
    assert!(
        decode::<Value>(text.as_bytes(), &shape::CONFIG).is_ok(),
        "no key of an image's configuration is `key`"
    );
    for text in [
        r#"{"config":{"user":"root","User":"1000"}}"#,
        r#"{"config":{"hoſtname":"x"}}"#,
        r#"{"rootfs":{"Diff_Ids":[]}}"#,
        "{\"config\":{\"Networ\u{212a}Disabled\":false}}",
    ] {
        assert!(reason(text, &shape::CONFIG).contains("would be read as"), "{text}");
    }
    assert!(reason(r#"[{"config":"x","Config":"y"}]"#, &shape::SAVED).contains("would be read as"));
    assert!(reason(r#"{"dsse_envelope":{}}"#, &shape::BUNDLE).contains("would be read as"));
    assert!(reason(r#"{"type":"x"}"#, &shape::STATEMENT).contains("would be read as"));
    decode::<Value>(br#"{"_type":"x","another":1}"#, &shape::STATEMENT).expect("a key that is like no known one");
}

#[test]
fn labels_are_data_in_which_case_matters() {
    let text = br#"{"config":{"Labels":{"digest":"1","Digest":"2","layers":"3"}},"moby.buildkit.trace":{"Os":1,"os":2}}"#;
    assert!(decode::<Value>(text, &shape::CONFIG).is_ok());
}

#[test]
fn what_readers_make_different_things_of_is_refused() {
    for (text, why) in [
        (r#"{"mediaType":"\ud800"}"#, "surrogate"),
        (r#"{"mediaType":"\ud800\u0041"}"#, "surrogate"),
        (r#"{"mediaType":"\udc00"}"#, "surrogate"),
        (r#"{"config":{"size":1e3}}"#, "64 bits"),
        (r#"{"config":{"size":9223372036854775808}}"#, "64 bits"),
        (r#"{"config":{"size":"1"}}"#, "a whole number"),
        (r#"{"config":["application/x","sha256:00",1]}"#, "an object"),
        (r#"{"layers":{}}"#, "a list"),
        (r#"{"annotations":{"a":1}}"#, "a string"),
        (r#"{} {}"#, "follows the end"),
        (r#"{"x":01}"#, "invalid number"),
        (r#"{"x":1.}"#, "invalid number"),
        ("{\"x\":\"\u{1}\"}", "control character"),
        (r#"{"x":1,}"#, "expected a key"),
        (r#"{"x":"#, "expected a value"),
        (r#"{"x":"\u12"}"#, "four digits"),
        (r#"{"x":"\x"}"#, "unknown escape"),
        (r#"{"x":"abc"#, "does not end"),
        ("\u{feff}{}", "expected an object"),
    ] {
        let said = reason(text, &shape::IMAGE);
        assert!(said.contains(why), "{text}: {said}");
    }
    let bytes = b"{\"x\":\"\xff\"}";
    assert_eq!(decode::<Value>(bytes, &shape::IMAGE).expect_err("encoding").offset, 6);
    assert!(decode::<Value>(br#"{"mediaType":"\ud83d\ude00\/","schemaVersion":-2}"#, &shape::IMAGE).is_ok());
}

#[test]
fn a_deep_document_is_refused_and_not_followed() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    // The outermost stands in nothing.
    assert!(decode::<Value>(deep(65).as_bytes(), &Shape::Any).is_ok());
    for levels in [66, 100_000] {
        assert!(reason(&deep(levels), &Shape::Any).contains("nested deeper than 64"));
    }
}

#[test]
fn what_all_readers_take_alike_is_read_as_it_stands() {
    for text in [
        r#"{"x":[true,false,null],"y":{"z":[]},"w":{}}"#,
        "\t{ \"x\" :\r\n [ 1 , { } , [ ] ]\n}\n",
        r#"[0,-0,10,-7,1.5,0.25,-2.5e-7,1e3,1E+2,0e0,9223372036854775808]"#,
        r#"["\"\\\/\b\f\n\r\t","\u0041\u00e4\u20AC\ud83d\ude00","ä😀",""]"#,
        "\"alone\"",
    ] {
        let ours: Value = decode(text.as_bytes(), &Shape::Any).expect(text);
        assert_eq!(ours, serde_json::from_str::<Value>(text).expect(text), "{text}");
    }
    for text in [
        "{\"x\":trap}",
        "{\"x\":nil}",
        "tru",
        "[-]",
        "[+1]",
        "[.5]",
        "[1.e2]",
        "[1e]",
        "[1e+]",
        "[00]",
        "[-01]",
        "[1,]",
        "[1 2]",
        "{\"x\" 1}",
        "[",
        "",
    ] {
        assert!(decode::<Value>(text.as_bytes(), &Shape::Any).is_err(), "{text}");
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_however_it_is_escaped() {
    for (first, second) in [("😀", r"\ud83d\ude00"), ("a/b", r"a\/b"), (r"a\nb", r"a\u000ab"), ("€", r"\u20ac")] {
        let text = format!(r#"{{"annotations":{{"{first}":"1","{second}":"2"}}}}"#);
        assert!(reason(&text, &shape::IMAGE).contains("stands twice"), "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_its_type_is_named_by_its_place() {
    let text = b"{\n \"a\": 1,\n \"b\": 300\n}\n";
    let refused = decode::<std::collections::BTreeMap<String, u8>>(text, &Shape::Any).expect_err("300 is no byte");
    assert!((17..=20).contains(&refused.offset), "{refused}");
}
