package embedded

// MaxStore is what JetStream lets the world's streams have in all, in bytes.
func (w *World) MaxStore() int64 { return w.running().JetStreamConfig().MaxStore }
