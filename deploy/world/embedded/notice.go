package embedded

// A Notice is something about the world that its operator has to know: a line that says what happened, and one that
// says what to do, empty if nothing is.
type Notice struct {
	Happened string
	Do       string
}

// notify tells the operator: by Config.Notify, or in the log.
func (c Config) notify(happened, do string) {
	if c.Notify != nil {
		c.Notify(Notice{happened, do})
		return
	}
	c.Logger.Warn(happened, "do", do)
}
