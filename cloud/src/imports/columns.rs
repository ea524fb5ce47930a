//! Reading a file: what parts its cells, what its columns are called, and which of them is which field.

use std::collections::BTreeMap;

use super::Error;
use crate::error::FieldError;

/// Most rows of a file.
const ROWS_MAX: usize = 5_000;

/// The fields of a row, and what their columns may be called, in letters and digits alone.
pub const FIELDS: [(&str, &[&str]); 19] = [
    (
        "name",
        &[
            "name",
            "customer",
            "customername",
            "subscriber",
            "fullname",
            "company",
            "nombre",
            "cliente",
            "nome",
            "nom",
            "client",
            "الاسم",
        ],
    ),
    ("email", &["email", "mail", "emailaddress", "correo", "correoelectronico", "courriel", "البريد"]),
    ("phone", &["phone", "telephone", "tel", "mobile", "phonenumber", "telefono", "telefone", "celular", "الهاتف"]),
    ("language", &["language", "lang", "locale", "idioma", "langue", "اللغة"]),
    (
        "line1",
        &[
            "line1",
            "address",
            "street",
            "address1",
            "streetaddress",
            "direccion",
            "calle",
            "endereco",
            "rua",
            "adresse",
            "rue",
            "العنوان",
        ],
    ),
    ("line2", &["line2", "address2", "floor", "complement", "complemento", "piso"]),
    ("city", &["city", "town", "ciudad", "poblacion", "cidade", "ville", "المدينة"]),
    (
        "postcode",
        &["postcode", "zip", "zipcode", "postalcode", "codigopostal", "cp", "cep", "codepostal", "الرمزالبريدي"],
    ),
    ("region", &["region", "state", "province", "estado", "provincia", "uf", "etat", "المنطقة"]),
    ("country", &["country", "countrycode", "pais", "pays", "البلد"]),
    ("billing_day", &["billingday", "anchorday", "billday", "diadefacturacion", "diadecobranca", "jourdefacturation"]),
    ("currency", &["currency", "moneda", "moeda", "devise", "العملة"]),
    ("plan", &["plan", "package", "service", "tariff", "plano", "formule", "forfait", "الخطة"]),
    ("router", &["router", "device", "roteador", "routeur", "nas", "edge", "الموجه"]),
    (
        "access_point",
        &["accesspoint", "ap", "sector", "node", "puntodeacceso", "pontodeacesso", "pointdacces", "نقطةالوصول"],
    ),
    (
        "prefixes",
        &["prefixes", "prefix", "ip", "ipaddress", "ips", "address4", "direccionip", "enderecoip", "adresseip"],
    ),
    ("mac", &["mac", "macaddress", "ethernetaddress", "direccionmac", "enderecomac", "adressemac", "عنوانmac"]),
    ("pppoe_user", &["pppoeuser", "pppoeusername", "pppoelogin", "usuariopppoe", "utilisateurpppoe", "مستخدمpppoe"]),
    (
        "starts_on",
        &[
            "startson",
            "start",
            "startdate",
            "since",
            "activationdate",
            "inicio",
            "fechadeinicio",
            "datadeinicio",
            "debut",
            "datededebut",
        ],
    ),
];

/// A file as it is read: the names of its columns, and its rows with their lines.
pub struct Table {
    pub headers: Vec<String>,
    pub rows: Vec<(i32, Vec<String>)>,
}

/// Reads a file.
pub fn read(text: &str) -> Result<Table, Error> {
    // One sign ends a line, so that lines are counted as editors count them.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let heading = text.lines().next().unwrap_or_default();
    let count = |sign: char| heading.matches(sign).count();
    let parted = [',', ';', '\t'].into_iter().max_by_key(|sign| (count(*sign), *sign == ',')).unwrap_or(',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(parted as u8).flexible(true).has_headers(true).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| Error::field("csv", format!("cannot be read: {error}"));
    let headers: Vec<_> = reader.headers().map_err(unreadable)?.iter().map(|name| name.trim().to_owned()).collect();
    if headers.iter().all(String::is_empty) {
        return Err(Error::field("csv", "must begin with a line that names its columns"));
    }
    if let Some(twice) = headers.iter().enumerate().find(|(n, name)| !name.is_empty() && headers[..*n].contains(*name))
    {
        return Err(Error::field("csv", format!("names the column {:?} twice", twice.1)));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, |position| i32::try_from(position.line()).unwrap_or(i32::MAX));
        let cells: Vec<_> = record.iter().map(|cell| plain(cell.trim()).to_owned()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push((line, cells));
        }
        if rows.len() > ROWS_MAX {
            return Err(Error::field("csv", format!("must have at most {ROWS_MAX} rows")));
        }
    }
    if rows.is_empty() {
        return Err(Error::field("csv", "must have at least one row below the columns' names"));
    }
    Ok(Table { headers, rows })
}

/// A cell without the sign that keeps spreadsheets from working it out, as our own files have it.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    }
}

/// Guesses the column of each field that `wanted` does not name.
pub fn guess(headers: &[String], wanted: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut columns = wanted;
    for (field, names) in FIELDS {
        if columns.contains_key(field) {
            continue;
        }
        let free = |header: &&String| !columns.values().any(|taken| taken == *header);
        let is_it = |header: &&String| names.contains(&letters(header).as_str());
        let found = headers.iter().filter(free).find(is_it).cloned();
        if let Some(header) = found {
            columns.insert(field.to_owned(), header);
        }
    }
    columns
}

/// Refuses fields and columns there are not, and, where `named`, a reading without names.
pub fn check(headers: &[String], columns: &BTreeMap<String, String>, named: bool) -> Result<(), Error> {
    let mut errors = Vec::new();
    for (field, header) in columns {
        if !FIELDS.iter().any(|(known, _)| known == field) {
            errors.push(FieldError::new(format!("columns.{field}"), "is no field of an import"));
        } else if !headers.contains(header) {
            errors.push(FieldError::new(format!("columns.{field}"), format!("the file has no column {header:?}")));
        }
    }
    if errors.is_empty() && named && !columns.contains_key("name") {
        errors.push(FieldError::new("columns.name", "must be read from a column: choose the one with the names"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// A column's name in letters and digits alone, accents taken off.
fn letters(name: &str) -> String {
    let bare = |letter: char| match letter {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ê' => 'e',
        'í' | 'î' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'û' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    };
    name.to_lowercase().chars().map(bare).filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_guessed_whatever_parts_them() {
        for (text, town) in [
            ("Customer name,E-mail,Town\nAmara,a@example.net,Leeds\n", "Town"),
            ("\u{feff}Nombre;Correo electrónico;Población\nAmara;a@example.net;León\n", "Población"),
            ("nom\tcourriel\tville\r\nAmara\ta@example.net\tLyon\r\n", "ville"),
        ] {
            let table = read(text).unwrap();
            let columns = guess(&table.headers, BTreeMap::new());
            assert_eq!((columns.len(), columns["city"].as_str()), (3, town), "{columns:?}");
            assert_eq!((table.rows[0].0, table.rows[0].1.len()), (2, 3));
        }
    }

    #[test]
    fn files_that_are_none_are_refused() {
        for text in ["", "\n\n", "name\n", "a,a\n1,2\n", "name,mail\n\n,,\n"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        let table = read("name,note\n'=2+5,\"a, b\"\n").unwrap();
        assert_eq!(table.rows[0].1, ["=2+5", "a, b"]);
        assert!(check(&table.headers, &BTreeMap::new(), true).is_err());
        let wrong = BTreeMap::from([("name".into(), "nobody".into()), ("age".into(), "note".into())]);
        let Err(Error::Invalid(errors)) = check(&table.headers, &wrong, true) else { panic!("taken") };
        assert_eq!(
            errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(),
            ["columns.age", "columns.name"]
        );
    }
}
