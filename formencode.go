package chargebee

import "github.com/typedbee/chargebee-go/internal/form"

// encodeForm returns the params of a call, and what [WithParam] added to them,
// as a form. The value of a parameter named token is a secret from then on.
func (c *call) encodeForm(params any) []byte {
	encoder := form.Encoder{
		Refuse: c.refused.add,
		OnValue: func(name, text string) {
			if name == "token" {
				c.secrets.add(text)
			}
		},
	}
	encoder.AddParams(params)
	for _, p := range c.extraParams {
		c.refused.addIf(p.name == "", "WithParam", "must have the name of a parameter")
		c.refused.addIf(encoder.Has(p.name), p.name, "is set already")
		encoder.Add(p.name, p.value)
	}
	return encoder.Encoded
}
