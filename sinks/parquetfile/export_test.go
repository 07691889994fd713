package parquetfile

// Small makes a format with pages and dictionaries so small that a few
// hundred rows pass every limit.
func Small(f *Format) {
	f.limits = limits{pageBytes: 512, pageLevels: 40, dictionaryBytes: 200, dictionaryEntries: 12, judgedValues: 30}
}
