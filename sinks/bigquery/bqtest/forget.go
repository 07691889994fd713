package bqtest

// Forget makes the server know none of its jobs any more, as the service does
// after about six months. What they did stays.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.jobs)
	s.order = nil
}
