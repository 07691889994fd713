// Package bqtest is a strict BigQuery for tests: one process's memory behind
// real HTTP, enough of it to load tables and to see every way in which that
// can go wrong. It is not for queries, but for one kind, and not for
// production: the load path must never need more than this.
//
// What it does is what the REST reference and the guides at
// https://cloud.google.com/bigquery/docs say of datasets, tables, load jobs
// from Parquet, copy jobs, uploads and quotas, and what the Go client is seen
// to send. Where the service is lenient or silent, it refuses. Uploaded files
// are read with github.com/parquet-go/parquet-go, which has nothing to do
// with the writer under test.
//
// # What it simulates
//
//   - Paths with and without the prefix /bigquery/v2; uploads as multipart
//     and as resumable sessions, by POST as the Go client sends chunks, with
//     the override of status 308, lost sessions and half-kept chunks.
//   - Jobs by project, location and ID: a second job of the same ID is 409
//     duplicate, also when the first failed; another location does not know
//     it. Jobs are PENDING, RUNNING and DONE, and apply all at once or not at
//     all.
//   - Load jobs into tables and partitions ($20250131, $202501) with every
//     write disposition, the rules of schemas, and the conversions of Parquet.
//   - Query jobs of one dialect (see statement): a transaction that deletes
//     and inserts rows of several tables, at once or not at all, and its dry
//     run. Tables that require a filter on their partitions refuse statements
//     without; what a query is billed for is counted.
//   - Copy jobs; tables and datasets with ETags; tabledata.list; views as text.
//   - The daily budgets of modifications, the limit of updates in ten seconds,
//     4,000 partitions a job and 10,000 a table.
//   - Bearer tokens and permissions, and faults by script (Rule).
//
// # Where it refuses what the service may take
//
//   - A column of the file that the job's schema lacks; a mode that is not the
//     file's own; a decimal whose target by decimalTargetTypes is not the
//     schema's type.
//   - Nanoseconds, TIME, FLOAT16, UUID, JSON and lists of lists in Parquet, and
//     text that is not UTF-8.
//   - WRITE_TRUNCATE_DATA on a partition; copies between different partitions.
//   - Formats other than Parquet, sourceUris, all other queries.
//
// # What differs from the service
//
//   - It remembers jobs until Forget; the service does so for about six months.
//   - Budgets refill at midnight UTC; the service refills little by little.
//   - Rows come back in the order in which they were loaded.
//   - Byte counts of tables are those of the files they came from.
//   - Partitions do not expire.
//   - A statement is billed for whole rows of the partitions that it names.
//   - A job goes on when somebody asks for it, not by itself (Options.JobDelay).
//   - A table that is deleted is gone at once, and one that is made is there
//     at once; Status(404, ...) in a Rule shows the opposite.
package bqtest
