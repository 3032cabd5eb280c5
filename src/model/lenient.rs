//! Reading what other servers write a little differently: a number with a fraction where a whole one is meant, `null`
//! for what is absent, one odd entry in a list.
//!
//! Serde helpers only. Must not know a single type of the API.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::Secret;

/// A whole number; fractions are rounded, `null` is 0, and what is too large for it is the largest.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(whole_opt(deserializer)?.unwrap_or_default())
}

/// The same where absence means something.
pub fn whole_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[allow(clippy::cast_possible_truncation, reason = "what is too large saturates")]
    let whole = |number: Number| {
        number.as_i64().unwrap_or_else(|| number.as_f64().map_or(i64::MAX, |fraction| fraction.round() as i64))
    };
    Ok(Option::<Number>::deserialize(deserializer)?.map(whole))
}

/// A number; `null` is 0.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or_default())
}

/// A switch; `null` is off.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

/// A secret that is not empty. Anything else than text counts as none: an answer that comes only once must not be lost
/// for a field of it.
pub fn secret_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(value) if !value.is_empty() => Some(Secret::new(value)),
        _ => None,
    })
}

/// A list without those entries that cannot be read; `null` is an empty one.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let entries = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Odd {
        #[serde(default, deserialize_with = "whole")]
        whole: i64,
        #[serde(default, deserialize_with = "number")]
        number: f64,
        #[serde(default, deserialize_with = "flag")]
        flag: bool,
        #[serde(default, deserialize_with = "secret_opt")]
        secret: Option<Secret>,
        #[serde(default, deserialize_with = "list")]
        list: Vec<u8>,
    }

    fn odd(json: &str) -> Odd {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn absent_and_null_are_the_same() {
        let nulls = r#"{"whole": null, "number": null, "flag": null, "secret": null, "list": null}"#;
        for json in ["{}", nulls] {
            let Odd { whole, number, flag, secret, list } = odd(json);
            assert!(whole == 0 && number.abs() < f64::EPSILON && !flag && secret.is_none() && list.is_empty());
        }
    }

    #[test]
    fn numbers_of_every_kind_are_whole_ones() {
        for (json, expected) in
            [("381", 381), ("381.5", 382), ("-2.4", -2), ("18446744073709551615", i64::MAX), ("1e300", i64::MAX)]
        {
            assert_eq!(odd(&format!(r#"{{"whole": {json}}}"#)).whole, expected, "{json}");
        }
        assert!(serde_json::from_str::<Odd>(r#"{"whole": "many"}"#).is_err());
    }

    #[test]
    fn odd_entries_and_odd_secrets_take_nothing_else_with_them() {
        assert_eq!(odd(r#"{"list": [1, "two", 300, 4]}"#).list, [1, 4]);
        for value in ["5", "{}", "[]", "true", r#""""#] {
            assert!(odd(&format!(r#"{{"secret": {value}}}"#)).secret.is_none(), "{value}");
        }
    }
}
