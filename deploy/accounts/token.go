package accounts

// Token is the operator's JWT as it is signed: what the configuration of a NATS server has. It is public.
func (o *Operator) Token() (string, error) {
	file, err := o.keys.operator()
	return file.JWT, err
}
