//! Types of columns, as far as they have a binary form that is written and read here.

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    /// Text, also of enums, XML and whatever else is sent as plain text; at most `max` characters.
    Text {
        max: Option<usize>,
    },
    Json,
    Jsonb,
    Bytea,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    /// `cidr` takes networks only.
    Inet {
        cidr: bool,
    },
    Oid,
    /// An array of elements of this type, which has this number.
    Array {
        element: Box<Type>,
        oid: u32,
    },
    /// No binary form here: text `COPY`.
    Other,
}

impl Type {
    /// By the name of the function that reads the type's binary form, which types that share a form
    /// share; `modifier` is the type's own (`varchar(10)`), -1 for none.
    pub(super) fn of_receiver(receiver: &str, modifier: i32) -> Self {
        let name = receiver.rsplit('.').next().unwrap_or_default();
        match name {
            "boolrecv" => Type::Bool,
            "int2recv" => Type::Int2,
            "int4recv" => Type::Int4,
            "int8recv" => Type::Int8,
            "float4recv" => Type::Float4,
            "float8recv" => Type::Float8,
            "numeric_recv" => Type::Numeric,
            // The modifier counts its own four bytes.
            "varcharrecv" | "bpcharrecv" => {
                Type::Text { max: usize::try_from(modifier - 4).ok().filter(|_| modifier >= 4) }
            }
            "textrecv" | "namerecv" | "enum_recv" | "xml_recv" | "citextrecv" => {
                Type::Text { max: None }
            }
            "json_recv" => Type::Json,
            "jsonb_recv" => Type::Jsonb,
            "bytearecv" => Type::Bytea,
            "date_recv" => Type::Date,
            "time_recv" => Type::Time,
            "timetz_recv" => Type::TimeTz,
            "timestamp_recv" => Type::Timestamp,
            "timestamptz_recv" => Type::TimestampTz,
            "interval_recv" => Type::Interval,
            "uuid_recv" => Type::Uuid,
            "inet_recv" => Type::Inet { cidr: false },
            "cidr_recv" => Type::Inet { cidr: true },
            "oidrecv" => Type::Oid,
            _ => Type::Other,
        }
    }

    /// Whether binary `COPY` can be used.
    pub(super) fn is_binary(&self) -> bool {
        match self {
            Type::Other => false,
            Type::Array { element, .. } => element.is_binary(),
            _ => true,
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Type,
    /// The type as SQL writes it, for messages.
    pub(super) declared: String,
}
